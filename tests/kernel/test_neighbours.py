"""Questions between services: time-outs, retries, breaker, the same either way (DESIGN 5)."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import orjson
import pytest
import uvicorn

from orrery.kernel import neighbours
from orrery.kernel.caller import Caller, Verifier
from orrery.kernel.neighbours import Directory, Neighbour, NeighbourNotDeclared, NeighbourRefused
from orrery.kernel.runtime import Host, Runtime
from orrery.kernel.service import Service
from orrery.kernel.testing import House
from orrery.kernel.types.ids import new_id
from orrery.kernel.types.refusal import NotFound, Unavailable
from tests.toy.service import SERVICE, Thing

KEY = "a key of services that is long enough"
PATH = "/api/v1/store"


class Store:
    """An ASGI app that answers as it is told, one word per question; keeps what it was asked."""

    def __init__(self) -> None:
        self.says: list[str] = []
        self.asked: list[dict[str, str]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer; the last word holds for all that follow."""
        while (await receive()).get("more_body"):
            pass
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.asked.append({"method": scope["method"], "path": scope["path"], **headers})
        word = self.says.pop(0) if len(self.says) > 1 else self.says[0]
        if word == "late":
            await asyncio.sleep(30)
        if word == "bug":
            raise ZeroDivisionError
        status = int(word) if word.isdigit() else 200
        body = orjson.dumps({"code": "store.no", "facts": {"why": word}} if status > 399 else word)
        length = len(body) + (word == "dropped")
        await send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [
                    (b"content-type", b"application/json"),
                    (b"content-length", str(length).encode()),
                ],
            }
        )
        while word == "dripping" and len(body) > 1:
            await send({"type": "http.response.body", "body": body[:1], "more_body": True})
            body = body[1:]
            await asyncio.sleep(0.1)
        await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def _served(app: Any) -> AsyncIterator[str]:
    """A real server on a free port; yields its address."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(
        app, log_config=None, access_log=False, lifespan="off", ws="none",
        timeout_graceful_shutdown=0,
    )  # fmt: skip
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    for _ in range(2_000):
        if server.started:
            break
        await asyncio.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
        listener.close()


@pytest.fixture
async def store() -> Store:
    """What the neighbour says and was asked."""
    return Store()


@pytest.fixture(params=["asgi", "http"])
async def directory(request: pytest.FixtureRequest, store: Store) -> AsyncIterator[Directory]:
    """Every test below runs twice: in one process, and over a network."""
    async with _served(store) as address:
        found = Directory(f"store={address}" if request.param == "http" else "")
        if request.param == "asgi":
            found.serve("store", store)
        yield found
        await found.close()


def _ask(directory: Directory, **caller: Any) -> Neighbour:
    known = Caller(tenant="acme", **caller)
    return Neighbour(directory, asking="shop", service="store", caller=known, key=KEY)


async def _outcome(question: Any) -> Any:
    """The answer, or the name and facts of the refusal."""
    try:
        return await question
    except (Unavailable, NotFound, NeighbourRefused) as refusal:
        return type(refusal), refusal.facts


async def test_a_neighbour_that_is_late_is_given_up_after_two_seconds(
    directory: Directory, store: Store
) -> None:
    """STYLE rule 12: "a neighbour that takes longer is as good as down"."""
    store.says = ["late"]
    started = time.monotonic()
    kind, facts = await _outcome(_ask(directory).post("/orders", json={}))
    assert 1.9 < time.monotonic() - started < 3
    assert (kind, facts["service"]) == (Unavailable, "store")
    assert len(store.asked) == 1


@pytest.mark.parametrize("word", ["late", "503", "502", "504", "500"])
async def test_a_question_is_repeated_and_a_command_is_not(
    directory: Directory, store: Store, monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    """Retries only for GET: three attempts, then Unavailable that names the service."""
    monkeypatch.setattr(neighbours, "TIMEOUT_SECONDS", 0.15)
    store.says = [word]
    kind, facts = await _outcome(_ask(directory).get("/orders"))
    assert (kind, facts["service"]) == (Unavailable, "store")
    assert [one["method"] for one in store.asked] == ["GET"] * 3
    store.asked.clear()
    assert (await _outcome(_ask(directory).post("/orders", json={})))[0] is Unavailable
    assert [one["method"] for one in store.asked] == ["POST"]


async def test_a_command_with_an_idempotency_key_is_repeated_with_the_same_key(
    directory: Directory, store: Store
) -> None:
    """ "An idempotency key makes that safe": the third attempt succeeds."""
    store.says = ["503", "503", "done"]
    assert await _ask(directory).post("/orders", json={}, key="k-1") == "done"
    assert [one["idempotency-key"] for one in store.asked] == ["k-1"] * 3


async def test_a_question_that_is_answered_at_the_second_attempt_is_answered(
    directory: Directory, store: Store
) -> None:
    """A hiccup is not passed on."""
    store.says = ["503", "yes"]
    assert await _ask(directory).get("/orders") == "yes"
    assert len(store.asked) == 2


async def test_what_was_understood_and_refused_is_not_repeated(
    directory: Directory, store: Store
) -> None:
    """4xx is an answer: asked once, told with the neighbour's code and facts, no failure."""
    store.says = ["409", "404", "422"]
    outcomes = [await _outcome(_ask(directory).get("/orders")) for _ in range(3)]
    refused = {"service": "store", "refused": "store.no"}
    assert outcomes == [
        (NeighbourRefused, refused | {"status": 409, "because": {"why": "409"}}),
        (NotFound, {"service": "store", "why": "404"}),
        (NeighbourRefused, refused | {"status": 422, "because": {"why": "422"}}),
    ]
    assert len(store.asked) == 3


async def test_an_answer_that_drips_is_given_up_as_a_whole(
    directory: Directory, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time-out is for the answer, not for each byte of it."""
    monkeypatch.setattr(neighbours, "TIMEOUT_SECONDS", 0.3)
    store.says = ["dripping"]
    started = time.monotonic()
    assert (await _outcome(_ask(directory).post("/orders", json={})))[0] is Unavailable
    assert time.monotonic() - started < 0.6


async def test_a_bug_of_the_neighbour_is_its_own_on_either_way(
    directory: Directory, store: Store
) -> None:
    """In one process too, the neighbour's exception does not become the caller's."""
    store.says = ["bug"]
    kind, facts = await _outcome(_ask(directory).post("/orders", json={}))
    assert (kind, facts["service"]) == (Unavailable, "store")


async def test_a_neighbour_that_drops_the_connection_is_unavailable(store: Store) -> None:
    """Half an answer and then nothing: three attempts, then Unavailable."""
    store.says = ["dropped"]
    async with _served(store) as address:
        directory = Directory(f"store={address}")
        kind, facts = await _outcome(_ask(directory).get("/orders"))
        await directory.close()
    assert (kind, facts) == (Unavailable, {"service": "store", "reason": "RemoteProtocolError"})
    assert len(store.asked) == 3


async def test_where_nobody_listens_or_nobody_is_known_the_service_is_unavailable() -> None:
    """A closed port, and a name without an address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
    directory = Directory(f"store={address}")
    told = await _outcome(_ask(directory).get("/orders"))
    assert told == (Unavailable, {"service": "store", "reason": "ConnectError"})
    await directory.close()
    told = await _outcome(_ask(Directory("other=http://x")).get("/orders"))
    assert told == (Unavailable, {"service": "store", "reason": "unknown_address"})


async def test_addresses_are_static_or_a_pattern() -> None:
    """ORRERY_NEIGHBOURS: ``name=url`` for one service, a DNS pattern for the others."""
    known = Directory("store=http://a:1/, http://{service}.internal:8100/")
    assert known.route("store") == "http://a:1"
    assert known.route("shop") == "http://shop.internal:8100"
    assert Directory("").route("shop") is None


async def _fail(directory: Directory, times: int) -> list[str]:
    told = [await _outcome(_ask(directory).post("/orders", json={})) for _ in range(times)]
    return [facts["reason"] for _, facts in told]


async def test_after_five_failures_a_neighbour_is_left_alone(
    directory: Directory, store: Store
) -> None:
    """The breaker opens: the sixth question is not sent, and another neighbour's is."""
    store.says = ["503"]
    directory.serve("shed", store)
    assert await _fail(directory, 7) == ["answered 503"] * 5 + ["breaker_open"] * 2
    assert len(store.asked) == 5
    store.says = ["yes"]
    other = Neighbour(
        directory, asking="shop", service="shed", caller=Caller(tenant="acme"), key=KEY
    )
    assert await other.get("/orders") == "yes"


async def test_without_the_breaker_every_question_is_sent(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proof that the breaker is the guard: with a threshold out of reach all seven go out."""
    monkeypatch.setattr(neighbours, "BREAKER_FAILURES", 1000)
    directory = Directory("")
    directory.serve("store", store)
    store.says = ["503"]
    assert await _fail(directory, 7) == ["answered 503"] * 7
    assert len(store.asked) == 7


async def test_an_answer_between_failures_keeps_the_breaker_closed(
    directory: Directory, store: Store
) -> None:
    """Five failures in a row open it, not five in a day; a refusal is an answer."""
    store.says = [*["503"] * 4, "409", *["503"] * 4, "yes"]
    for _ in range(9):
        await _outcome(_ask(directory).post("/orders", json={}))
    assert await _ask(directory).get("/orders") == "yes"


async def test_an_open_breaker_lets_one_try_after_its_time(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half-open: a failed try opens it again at once, a good one closes it."""
    monkeypatch.setattr(neighbours, "BREAKER_SECONDS", 0.3)
    directory = Directory("")
    directory.serve("store", store)
    store.says = ["503"]
    await _fail(directory, 5)
    await asyncio.sleep(0.35)
    assert await _fail(directory, 2) == ["answered 503", "breaker_open"]
    assert len(store.asked) == 6
    store.says = ["yes"]
    await asyncio.sleep(0.35)
    assert await _ask(directory).post("/orders", json={}) == "yes"
    store.says = ["503"]
    assert await _fail(directory, 5) == ["answered 503"] * 5


async def test_who_asks_for_whom_travels_in_a_signed_token(
    directory: Directory, store: Store
) -> None:
    """Tenant, asking service and the person behind it; an internal path is taken as it is."""
    user = new_id()
    store.says = ["yes"]
    await _ask(directory, user_id=user).get("/orders")
    await _ask(directory, service="service:shop", on_behalf_of="somebody").get("/internal/store/x")
    assert [one["path"] for one in store.asked] == [f"{PATH}/orders", "/internal/store/x"]
    tokens = [one["authorization"].removeprefix("Bearer ") for one in store.asked]
    claims = [Verifier(KEY).claims(token) for token in tokens]
    assert [(c["tenant"], c["service"], c["obo"]) for c in claims] == [
        ("acme", "service:shop", str(user)),
        ("acme", "service:shop", "somebody"),
    ]
    assert all(0 < claim["exp"] - time.time() <= 120 for claim in claims)


async def test_a_service_that_is_not_in_the_manifest_is_not_asked(toy_house: House) -> None:
    """ "A service may ask only those that its manifest names" (``asks``)."""
    caller = Caller(tenant="acme")
    with pytest.raises(NeighbourNotDeclared, match="'toy'"):
        toy_house.runtime.hosts["toy"].neighbour("toy", caller)
    host = Host(toy_house.runtime, Service("asker", asks=["toy"]))
    page = await host.neighbour("toy", caller).get("/things", params={"limit": 1})
    assert set(page) == {"items", "next"}


async def test_a_real_service_gives_the_same_answers_over_both_ways(toy_house: House) -> None:
    """One process or many: what a neighbour tells does not depend on it."""
    tenant, user = await toy_house.new_tenant(), new_id()
    services = {"toy": SERVICE, "asker": Service("asker", asks=["toy"])}
    async with _served(toy_house.runtime.apps["toy"]) as address:
        chosen = toy_house.runtime.settings.model_copy(update={"neighbours": f"toy={address}"})
        far = Runtime(chosen, toy_house.url, services=services)
        hosts = [Host(toy_house.runtime, services["asker"]), far.hosts["asker"]]
        told = []
        for number, host in enumerate(hosts):
            toy = host.neighbour("toy", Caller(tenant=tenant, user_id=user))
            made = await toy.post("/things", json={"tag": f"t{number}", "cost": "1.50"})
            told.append(
                [
                    made["cost"],
                    (await toy.get(f"/things/{made['id']}")) == made,
                    await _outcome(toy.get(f"/things/{user}")),
                    await _outcome(toy.get("/things", params={"colour": "red"})),
                    await _outcome(toy.post("/things", json={"tag": "t0", "cost": "1"})),
                ]
            )
            async with toy_house.tx("toy", tenant=tenant) as tx:
                line = await tx.row("select * from history where record_id = %(i)s", i=made["id"])
                thing = await tx.one(Thing, made["id"])
            assert line is not None
            told[-1] += [line.actor, line.on_behalf_of, thing.cost]
        await far.directory.close()
    assert told[0] == told[1]
    assert told[0][0] == "1.50"
    assert told[0][2] == (NotFound, {"service": "toy", "resource": "thing", "id": str(user)})
    assert told[0][3][1]["refused"] == "kernel.malformed"
    assert told[0][4][1]["refused"] == "toy.tag_taken"
    assert told[0][5:] == ["service:asker", str(user), Decimal("1.50")]
