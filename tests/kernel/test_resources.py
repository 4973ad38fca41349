"""Lists: every filter, sort, search and cursor at its limits (CC-3, PERF, STYLE rule 28)."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import httpx2
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from hypothesis import strategies as st

from orrery.kernel import listing, testing
from orrery.kernel.resources import Resource, parse
from orrery.kernel.routing import resource_routes
from orrery.kernel.schemas import Exact, Instant, View
from orrery.kernel.testing import House
from orrery.kernel.types.ids import new_id
from orrery.kernel.types.permission import Scope
from orrery.kernel.types.refusal import Malformed
from tests.toy.service import SERVICE, THING_READ, Thing

ALL: dict[str, Scope] = {"*": "all"}
OWNERS = [UUID(int=n) for n in range(1, 4)]


class ShelfView(View):
    """A thing with a field of every kind that a filter may have."""

    id: UUID
    tag: str
    cost: Exact
    owner_id: UUID | None
    version: int
    created_at: Instant
    made_on: date
    is_dear: bool


FIELDS = ["tag", "cost", "owner_id", "version", "created_at", "made_on", "is_dear"]
SHELF = Resource(
    name="shelf",
    path="/shelf",
    table=Thing,
    view=ShelfView,
    may_read=THING_READ,
    columns={
        "made_on": "t.created_at::date",
        "is_dear": "(t.cost > 100)",
        "owner": "t.owner_id::text",
    },
    filters=FIELDS,
    sorts=FIELDS,
    search=["tag", "owner"],
)


@pytest.fixture(scope="module")
async def shop(toy_house: House) -> AsyncIterator[House]:
    """The toy's tables seen through the shelf."""
    toy = replace(SERVICE, routers=[*SERVICE.routers, resource_routes(SHELF)])
    async with testing.house(toy_house.url, services={"toy": toy}, tenants=[]) as opened:
        yield opened


async def _stock(house: House, drafts: list[dict[str, Any]]) -> str:
    """A tenant of its own with some things."""
    tenant = await house.new_tenant()
    async with house.tx("toy", tenant=tenant, commits=True) as tx:
        for number, draft in enumerate(drafts):
            await tx.add(Thing, **({"tag": f"t{number}", "cost": 1, "specs": {}} | draft))
    return tenant


async def _tags(client: httpx2.AsyncClient, query: Any) -> Any:
    """The tags that a query lists, in their order; a refusal's status and facts otherwise."""
    answer = await client.get("/api/v1/toy/shelf", params=query)
    if answer.status_code != 200:
        return answer.status_code, answer.json().get("facts")
    return [item["tag"] for item in answer.json()["items"]]


@pytest.fixture(scope="module")
async def shelf(shop: House) -> AsyncIterator[httpx2.AsyncClient]:
    """Three things, from the cheap to the dear: a, b and c."""
    drafts = [
        {"tag": "a", "cost": Decimal("0.00"), "created_at": datetime(2024, 2, 29, tzinfo=UTC)},
        {
            "tag": "b", "cost": Decimal("100.00"), "owner_id": OWNERS[0], "version": 2,
            "created_at": datetime(2024, 2, 29, 23, 59, 59, 999999, tzinfo=UTC),
        },
        {
            "tag": "c", "cost": Decimal("100.01"), "owner_id": OWNERS[1], "version": 2147483647,
            "created_at": datetime(2024, 3, 1, tzinfo=UTC),
        },
    ]  # fmt: skip
    async with shop.client(ALL, tenant=await _stock(shop, drafts)) as client:
        yield client


@pytest.mark.parametrize(
    "query, found",
    [
        ("tag=a", "a"), ("tag=a&tag=c", "ac"), ("tag=A", ""), ("tag_from=b", "bc"),
        ("tag_to=b", "ab"), ("cost=100", "b"), ("cost=100.000", "b"), ("cost_from=100", "bc"),
        ("cost_from=100.01", "c"), ("cost_to=100.00", "ab"), ("cost_from=0.01&cost_to=100", "b"),
        ("cost_from=100.02", ""), ("owner_id=null", "a"), (f"owner_id={OWNERS[0]}", "b"),
        (f"owner_id=null&owner_id={OWNERS[1]}", "ac"), ("version=1", "a"), ("version_from=2", "bc"),
        ("version_to=2147483646", "ab"), ("version=9223372036854775807", ""),
        ("version_from=-9223372036854775807", "abc"), ("made_on=2024-02-29", "ab"),
        ("made_on_from=2024-03-01", "c"), ("made_on_to=2024-02-29", "ab"), ("is_dear=true", "c"),
        ("is_dear=false", "ab"), ("is_dear=true&is_dear=false", "abc"),
        ("created_at=2024-03-01T01:00:00%2B01:00", "c"), ("created_at_from=2024-03-01", "c"),
        ("created_at_to=2024-02-29T23:59:59.999999Z", "ab"),
        ("created_at_to=2024-02-29T23:59:59.999998Z", "a"), ("tag=null", ""), ("cost=null", ""),
        ("cost=1e3&cost=100", "b"), ("", "abc"), ("ids=", ""), (f"ids={OWNERS[0]}", ""),
    ],
)  # fmt: skip
async def test_a_filter_finds_exactly_what_it_names(
    shelf: httpx2.AsyncClient, query: str, found: str
) -> None:
    """Equality, several values, null, and both ends of a range belong to it."""
    assert await _tags(shelf, f"{query}&sort=tag") == list(found)


@pytest.mark.parametrize(
    "query, field",
    [
        ("cost=abc", "cost"), ("cost=NaN", "cost"), ("cost=Infinity", "cost"), ("cost=", "cost"),
        ("version=1.5", "version"), ("version=9223372036854775808", "version"),
        ("version=", "version"), ("made_on=2023-02-29", "made_on"), ("made_on=today", "made_on"),
        ("created_at=yesterday", "created_at"), ("is_dear=yes", "is_dear"),
        ("is_dear=TRUE", "is_dear"), ("owner_id=1", "owner_id"), ("owner_id=", "owner_id"),
        ("tag=a%00b", "tag"), ("q=%00", "q"), ("colour=red", "colour"), ("tag_like=a", "tag_like"),
        ("tag_from_from=a", "tag_from_from"), ("sort=colour", "sort"), ("sort=tag;drop", "sort"),
        ("limit=0", "limit"), ("limit=201", "limit"), ("limit=-1", "limit"), ("limit=x", "limit"),
        ("ids=x", "ids"), ("cursor=x", "cursor"), ("cursor=bnVsbA", "cursor"),
        ("cursor=W10", "cursor"), ("cursor=%F0%9F%A6%86", "cursor"),
        ("cost_from=null", "cost_from"), ("cost_from=1&cost_from=2", "cost_from"),
        ("as_of=2024-01-01T00:00:00Z", "as_of"),
    ],
)  # fmt: skip
async def test_what_a_filter_cannot_read_is_malformed(
    shelf: httpx2.AsyncClient, query: str, field: str
) -> None:
    """422 that names the field; never an empty list that looks like an answer."""
    answer = await shelf.get(f"/api/v1/toy/shelf?{query}")
    told = (answer.status_code, answer.json()["code"], answer.json()["facts"]["field"])
    assert told == (422, "kernel.malformed", field)


@pytest.mark.parametrize(
    "kind, text, value",
    [
        (int, "-9223372036854775807", -(2**63) + 1), (date, "0001-01-01", date(1, 1, 1)),
        (date, "9999-12-31", date(9999, 12, 31)), (Decimal, "-0.000001", Decimal("-0.000001")),
        (bool, "false", False), (str, "", ""), (UUID, str(OWNERS[0]), OWNERS[0]),
    ],
)  # fmt: skip
def test_a_value_is_read_as_its_kind(kind: Any, text: str, value: object) -> None:
    """The outermost values of each kind are read exactly."""
    assert parse(kind, text, "x") == value


@pytest.mark.parametrize(
    "kind, text", [(date, "10000-01-01"), (date, "2024-13-01"), (Decimal, "1,5"), (bool, "1")]
)
def test_a_value_past_its_kind_is_malformed(kind: Any, text: str) -> None:
    """One step further is refused, with what was expected."""
    with pytest.raises(Malformed) as refused:
        parse(kind, text, "x")
    assert refused.value.facts["expected"] == kind.__name__


async def test_a_number_past_the_column_is_no_error_of_ours(shelf: httpx2.AsyncClient) -> None:
    """A decimal that no column holds: 422 or nothing found, never a 500."""
    for query in ("cost=1e131072", "cost_from=1e400000", f"cost={'9' * 400}"):
        answer = await shelf.get(f"/api/v1/toy/shelf?{query}")
        assert answer.status_code in (200, 422), query


async def test_at_most_two_hundred_ids_are_asked_for_at_once(shop: House) -> None:
    """200 ids are answered in one page, 201 are refused."""
    tenant = await _stock(shop, [{} for _ in range(3)])
    async with shop.client(ALL, tenant=tenant) as client:
        ids = [item["id"] for item in (await client.get("/api/v1/toy/shelf")).json()["items"]]
        many = [*ids, *(str(new_id()) for _ in range(197))]
        assert await _tags(client, {"ids": ",".join(many), "limit": 200}) == ["t0", "t1", "t2"]
        told = await _tags(client, {"ids": ",".join([*many, ids[0]])})
    assert told == (422, {"field": "ids", "limit": 200})


WORDS = ["50% off", "50x off", "a_b", "aXb", "back\\slash", "backslash", "Größe", "it's", 'a"b']


@pytest.mark.parametrize(
    "asked, found",
    [
        ("50%", ["50% off"]), ("a_b", ["a_b"]), ("\\", ["back\\slash"]), ("GRÖSSE", []),
        ("GRÖß", ["Größe"]), ("off 50", ["50% off", "50x off"]), ("'", ["it's"]), ('"', ['a"b']),
        ("%", ["50% off"]), ("_", ["a_b"]), ("  ", WORDS), ("%(q0)s", []), ("%%", []),
    ],
)  # fmt: skip
async def test_a_search_takes_every_character_for_itself(
    shop: House, asked: str, found: list[str]
) -> None:
    """% and _ are no wildcards; all words must occur; letters of either case are equal."""
    tenant = await _stock(shop, [{"tag": word} for word in WORDS])
    async with shop.client(ALL, tenant=tenant) as client:
        assert await _tags(client, {"q": asked}) == found


async def test_an_unescaped_search_finds_too_much(
    shop: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proof that the escaping is the guard: taken out, a percent sign finds everything."""
    monkeypatch.setattr(listing, "_like", lambda word: f"%{word}%")
    tenant = await _stock(shop, [{"tag": word} for word in WORDS])
    async with shop.client(ALL, tenant=tenant) as client:
        assert await _tags(client, {"q": "%"}) == WORDS


INJECTIONS = [
    "'; drop table thing; --", "' or '1'='1", "1); delete from thing; --", "x' union select 1 --",
    "%(caller_user)s", "%s", "%%", "{0}", "$1", "\\'; select pg_sleep(9); --", "a'||'b",
]  # fmt: skip


@pytest.mark.parametrize("text", INJECTIONS)
async def test_no_parameter_reaches_the_statement_as_sql(
    shelf: httpx2.AsyncClient, text: str
) -> None:
    """Every parameter, names too, with texts that would break out; nothing is found or lost."""
    names = [*FIELDS, *(f"{name}_from" for name in FIELDS), "q", "sort", "cursor", "limit", "ids"]
    for name in names:
        answer = await shelf.get("/api/v1/toy/shelf", params={name: text})
        assert answer.status_code in (200, 422), (name, answer.text)
        if answer.status_code == 200 and name not in ("tag_from",):
            assert answer.json()["items"] == [], name
    for name in (text, f"tag{text}", f"{text}_from"):
        assert (await shelf.get("/api/v1/toy/shelf", params={name: "x"})).status_code == 422
    assert await _tags(shelf, "sort=tag") == ["a", "b", "c"]


async def _walk(client: httpx2.AsyncClient, query: dict[str, Any]) -> list[str]:
    """The tags of all pages, one after the other."""
    seen: list[str] = []
    while True:
        page = (await client.get("/api/v1/toy/shelf", params=query)).json()
        seen += [item["tag"] for item in page["items"]]
        if page["next"] is None:
            return seen
        query = {**query, "cursor": page["next"]}


SORTS = st.lists(
    st.tuples(st.sampled_from([*FIELDS, "id"]), st.booleans()),
    max_size=3,
    unique_by=lambda part: part[0],
)
ROWS = st.lists(
    st.tuples(
        st.sampled_from([None, *OWNERS]),
        st.sampled_from([Decimal(0), Decimal("99.99"), Decimal("100.01")]),
        st.sampled_from([1, 2]),
        st.sampled_from([1, 999999]),
    ),
    max_size=9,
)


async def test_every_order_pages_every_row_once_and_in_order(shop: House) -> None:
    """Nullable and equal values, up and down, any page size: the pages are the whole, in order
    (property test; the order is stated a second time in Python, nulls last either way)."""
    cases: list[Any] = []

    @given(rows=ROWS, sorts=SORTS, limit=st.integers(1, 4))
    @limits(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    def collect(rows: Any, sorts: Any, limit: int) -> None:
        cases.append((rows, sorts, limit))

    collect()
    for rows, sorts, limit in cases:
        drafts = [
            {
                "owner_id": owner, "cost": cost, "version": version,
                "created_at": datetime(2024, 1, version, microsecond=part, tzinfo=UTC),
            }
            for owner, cost, version, part in rows
        ]  # fmt: skip
        tenant = await _stock(shop, drafts)
        async with shop.client(ALL, tenant=tenant) as client:
            asked = ",".join("-" * descends + name for name, descends in sorts)
            seen = await _walk(client, {"limit": limit, "sort": asked})
        assert seen == await _in_order(shop, tenant, sorts), (rows, sorts, limit)


async def _in_order(house: House, tenant: str, sorts: list[tuple[str, bool]]) -> list[str]:
    async with house.tx("toy", tenant=tenant) as tx:
        rows = await tx.all(Thing)
    told = [
        {**row._asdict(), "made_on": row.created_at.date(), "is_dear": row.cost > 100}  # type: ignore[attr-defined] # rows are named tuples
        for row in rows
    ]
    last = sorts[-1][1] if sorts else False
    order = sorts if any(name == "id" for name, _ in sorts) else [*sorts, ("id", last)]
    for name, descends in reversed(order):
        known = sorted(
            (t for t in told if t[name] is not None), key=lambda t: t[name], reverse=descends
        )
        told = known + [t for t in told if t[name] is None]
    return [t["tag"] for t in told]


async def test_a_cursor_holds_its_place_while_rows_come_and_go(shop: House) -> None:
    """What is inserted before the place is not shown twice nor does it push anything out."""
    tenant = await _stock(shop, [{"tag": f"m{n}", "cost": n} for n in range(6)])
    async with shop.client(ALL, tenant=tenant) as client:
        first = (await client.get("/api/v1/toy/shelf?sort=cost&limit=3")).json()
        async with shop.tx("toy", tenant=tenant, commits=True) as tx:
            for number in range(3):
                await tx.add(Thing, tag=f"new{number}", cost=Decimal("0.5"), specs={})
            await tx.add(Thing, tag="after", cost=Decimal("3.5"), specs={})
            await tx.run("delete from thing where tag in ('m2', 'm4')")
        rest = await _walk(client, {"sort": "cost", "limit": 3, "cursor": first["next"]})
    assert [item["tag"] for item in first["items"]] == ["m0", "m1", "m2"]
    assert rest == ["m3", "after", "m5"]


async def test_a_cursor_of_another_order_is_refused_or_read_as_its_kind(shop: House) -> None:
    """A cursor belongs to the list and the order that made it."""
    tenant = await _stock(shop, [{"cost": n} for n in range(4)])
    async with shop.client(ALL, tenant=tenant) as client:
        cursor = (await client.get("/api/v1/toy/shelf?sort=tag&limit=2")).json()["next"]
        other = [
            await _tags(client, {"cursor": cursor, "sort": sort})
            for sort in ("", "cost", "tag,cost", "version")
        ]
    assert [answer[0] for answer in other] == [422] * 4


async def test_a_total_counts_all_pages_and_only_when_asked(shop: House) -> None:
    """total=true counts what the filters let through, whatever the page."""
    tenant = await _stock(shop, [{"cost": n} for n in range(5)])
    async with shop.client(ALL, tenant=tenant) as client:
        query = "/api/v1/toy/shelf?cost_from=1&limit=2"
        page = (await client.get(f"{query}&total=true")).json()
        later = (await client.get(f"{query}&total=true&cursor={page['next']}")).json()
        bare = (await client.get(query)).json()
    assert (page["total"], later["total"], set(bare)) == (4, 4, {"items", "next"})
