"""Tokens: who is believed, until when, and by which key (ID-2, acceptance B.4)."""

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from orrery.kernel import caller, clock, runtime
from orrery.kernel.caller import Caller, Verifier, sign_service_token
from orrery.kernel.runtime import Runtime
from orrery.kernel.service import Service
from orrery.kernel.settings import Settings
from orrery.kernel.testing import House
from orrery.kernel.types.ids import new_id
from orrery.kernel.types.refusal import Unauthenticated, Unavailable

SERVICE_KEY = "a key of services that is long enough"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEY = ECKey.generate_key("P-256", {"kid": "k1"})
STRANGER = ECKey.generate_key("P-256", {"kid": "k1"})


def _claims(**changes: Any) -> dict[str, Any]:
    told = {"iss": "orrery", "tenant": "acme", "exp": int(clock.now().timestamp()) + 300}
    return {name: value for name, value in (told | changes).items() if value is not None}


def _signed(key: ECKey = KEY, kid: str = "k1", **changes: Any) -> str:
    return jwt.encode({"alg": "ES256", "kid": kid}, _claims(**changes), key)


def _part(value: Any) -> str:
    raw = value if isinstance(value, bytes) else orjson.dumps(value)
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _by_hand(header: Mapping[str, Any], secret: bytes, **changes: Any) -> str:
    """A token put together without a library that would refuse to."""
    told = f"{_part(header)}.{_part(_claims(**changes))}"
    return f"{told}.{_part(hmac.new(secret, told.encode(), hashlib.sha256).digest())}"


def _verifier() -> Verifier:
    made = Verifier(SERVICE_KEY)
    made.trust({"keys": [KEY.as_dict(private=False)]})
    return made


def _reason(verifier: Verifier, token: str) -> Any:
    try:
        return verifier.claims(token)["tenant"]
    except Unauthenticated as refusal:
        return refusal.facts["reason"]


PUBLIC_PEM = KEY.as_pem(private=False)
PUBLIC_JSON = orjson.dumps(KEY.as_dict(private=False))
FORGED: dict[str, tuple[Any, str]] = {
    "signed by a stranger under our key's name": (lambda: _signed(STRANGER), "bad_signature"),
    "signed by a key that nobody knows": (lambda: _signed(STRANGER, "k2"), "unknown_key"),
    "signed with the public key (PEM) as a shared secret": (
        lambda: _by_hand({"alg": "HS256", "kid": "k1"}, PUBLIC_PEM),
        "bad_signature",
    ),
    "signed with the public key (JWK) as a shared secret": (
        lambda: _by_hand({"alg": "HS256", "kid": "k1"}, PUBLIC_JSON),
        "bad_signature",
    ),
    "a service's token with no key": (lambda: _by_hand({"alg": "HS256"}, b""), "bad_signature"),
    "alg none without signature": (
        lambda: _by_hand({"alg": "none", "kid": "k1"}, b"").rpartition(".")[0] + ".",
        "bad_signature",
    ),
    "alg none without key": (lambda: _by_hand({"alg": "none"}, b""), "unknown_key"),
    "alg None in capitals": (lambda: _by_hand({"alg": "NONE", "kid": "k1"}, b""), "bad_signature"),
    "another algorithm": (lambda: _by_hand({"alg": "HS512", "kid": "k1"}, b"x"), "bad_signature"),
    "it brings its own key along": (
        lambda: jwt.encode(
            {"alg": "ES256", "kid": "k2", "jwk": STRANGER.as_dict(private=False)},
            _claims(),
            STRANGER,
        ),
        "unknown_key",
    ),
    "a changed tenant": (
        lambda: _signed().replace(_signed().split(".")[1], _part(_claims(tenant="globex"))),
        "bad_signature",
    ),
    "signed by us for somebody else": (lambda: _signed(iss="elsewhere"), "bad_claims"),
    "without issuer": (lambda: _signed(iss=None), "bad_claims"),
    "an access token that calls itself a service's": (
        lambda: _signed(iss="orrery-service"),
        "bad_claims",
    ),
    "a service's token that calls itself an access token": (
        lambda: _by_hand({"alg": "HS256"}, SERVICE_KEY.encode()),
        "bad_claims",
    ),
    "without an end": (lambda: _signed(exp=None), "bad_claims"),
    "with an end that is no time": (lambda: _signed(exp="never"), "bad_claims"),
    "without a tenant": (lambda: _signed(tenant=None), "bad_claims"),
}


@pytest.mark.parametrize("what", list(FORGED))
def test_a_token_that_is_not_ours_is_refused(what: str) -> None:
    """Foreign keys, algorithm confusion, missing claims: each with its reason."""
    make, reason = FORGED[what]
    assert _reason(_verifier(), make()) == reason


def test_our_own_tokens_are_believed() -> None:
    """The same verifier lets in what the issuer and a service really signed."""
    assert _reason(_verifier(), _signed()) == "acme"
    token = sign_service_token(SERVICE_KEY, service="shop", tenant="acme", behalf="somebody")
    assert _reason(_verifier(), token) == "acme"
    other = sign_service_token("another key of services", service="x", tenant="acme", behalf=None)
    assert _reason(_verifier(), other) == "bad_signature"


@pytest.mark.parametrize(
    "token",
    ["a", "a.b", "a.b.c", "..", "....", "é.é.é", "e30.e30.e30", "W10.e30.e30", "bnVsbA.e30.",
     "eyJhbGciOjF9.e30.e30", f"{_part({'alg': 'ES256', 'kid': {}})}.e30.e30", "x" * 9000],
)  # fmt: skip
async def test_what_is_no_token_is_401_and_not_an_error(toy_house: House, token: str) -> None:
    """Whatever stands in the header, the answer is that nobody is signed in."""
    async with toy_house.client() as client:
        told = {b"Authorization": b"Bearer " + token.encode()}
        answer = await client.get("/api/v1/toy/things", headers=told)
    # The toy has no issuer to ask for keys that nobody knows.
    assert answer.status_code in (401, 503)
    if answer.status_code == 503:
        assert answer.json()["facts"] == {"reason": "no_issuer"}


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic YTpi", "Token x"])
async def test_without_a_bearer_token_nothing_is_read(toy_house: House, header: str) -> None:
    """401 with the challenge; a valid token in the same place is let in."""
    async with toy_house.client() as client:
        answer = await client.get("/api/v1/toy/things", headers={"Authorization": header})
        assert (answer.status_code, answer.json()["facts"]) == (401, {"reason": "no_token"})
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        told = {"Authorization": f"bearer {toy_house.token({'*': 'all'})}"}
        assert (await client.get("/api/v1/toy/things", headers=told)).status_code == 200


def test_a_token_ends_five_seconds_after_its_end() -> None:
    """Clocks of two machines may differ a little, and no more; a token seen before ends too."""
    clock.set(NOON)
    verifier, token = _verifier(), _signed(exp=int(NOON.timestamp()))
    seconds = timedelta(seconds=caller.LEEWAY_SECONDS)
    told = []
    for instant in (NOON, NOON + seconds, NOON + seconds + timedelta(microseconds=1), NOON):
        clock.set(instant)
        told.append((_reason(verifier, token), _reason(_verifier(), token)))
    assert told == [
        ("acme", "acme"),
        ("acme", "acme"),
        ("expired", "expired"),
        ("acme", "acme"),
    ]


def test_a_service_token_lives_two_minutes() -> None:
    """What one service signs for another is of no use later."""
    clock.set(NOON)
    token = sign_service_token(SERVICE_KEY, service="shop", tenant="acme", behalf=None)
    assert _verifier().claims(token)["exp"] == NOON.timestamp() + 120
    clock.set(NOON + timedelta(seconds=126))
    assert _reason(_verifier(), token) == "expired"


def test_a_key_that_is_no_longer_published_is_no_longer_believed() -> None:
    """Trusting a new set also forgets what was believed under the old one."""
    verifier, token = _verifier(), _signed()
    assert _reason(verifier, token) == "acme"
    second = ECKey.generate_key("P-256", {"kid": "k2"})
    keys = [KEY.as_dict(private=False), second.as_dict(private=False)]
    verifier.trust({"keys": keys})
    assert [_reason(verifier, t) for t in (token, _signed(second, "k2"))] == ["acme", "acme"]
    verifier.trust({"keys": keys[1:]})
    assert [_reason(verifier, t) for t in (token, _signed(second, "k2"))] == ["unknown_key", "acme"]


class Issuer:
    """An app that publishes keys and counts how often it was asked for them."""

    def __init__(self) -> None:
        self.keys: list[ECKey] = [KEY]
        self.asked = 0
        self.status = 200

    async def __call__(self, _scope: Any, _receive: Any, send: Any) -> None:
        """Answer the JWK set, a moment later."""
        self.asked += 1
        await asyncio.sleep(0.02)
        body = orjson.dumps({"keys": [key.as_dict(private=False) for key in self.keys]})
        await send({"type": "http.response.start", "status": self.status, "headers": []})
        await send({"type": "http.response.body", "body": body})


async def _house_of(issuer: Issuer) -> Runtime:
    service = Service("keys", issuer="/api/v1/keys/jwks", app=lambda _host: issuer)
    made = Runtime(Settings(), "postgresql://nowhere", services={"keys": service})
    made.serve(["keys"])
    return made


async def _told(house: Runtime, token: str) -> Any:
    try:
        return (await house.claims(token))["tenant"]
    except (Unauthenticated, Unavailable) as refusal:
        return refusal.facts["reason"]


async def test_a_new_key_is_fetched_once_for_all_who_wait() -> None:
    """Key rotation: twenty requests with the new key at once cost one question."""
    issuer = Issuer()
    house = await _house_of(issuer)
    told = await asyncio.gather(*(_told(house, _signed()) for _ in range(20)))
    assert (set(told), issuer.asked) == ({"acme"}, 1)
    assert [await _told(house, _signed()), issuer.asked] == ["acme", 1]


async def test_a_strangers_tokens_do_not_make_us_ask_without_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An unknown key costs one question in two seconds, not one per request."""
    issuer = Issuer()
    house = await _house_of(issuer)
    strange = _signed(STRANGER, "k9")
    told = [await _told(house, strange) for _ in range(20)]
    told += await asyncio.gather(*(_told(house, strange) for _ in range(20)))
    assert (set(told), issuer.asked) == ({"unknown_key"}, 1)
    monkeypatch.setattr(runtime, "KEYS_PAUSE_SECONDS", 0.1)
    await asyncio.sleep(0.15)
    rotated = ECKey.generate_key("P-256", {"kid": "k2"})
    issuer.keys = [rotated]
    assert [await _told(house, _signed(rotated, "k2")), issuer.asked] == ["acme", 2]
    assert await _told(house, _signed()) == "unknown_key"


async def test_without_the_pause_every_strange_token_is_a_question(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Proof that the pause is the guard: taken out, twenty tokens cost twenty questions."""
    monkeypatch.setattr(runtime, "KEYS_PAUSE_SECONDS", 0.0)
    issuer = Issuer()
    house = await _house_of(issuer)
    for _ in range(20):
        await _told(house, _signed(STRANGER, "k9"))
    assert issuer.asked == 20


async def test_an_issuer_that_is_down_is_asked_again_by_the_next_request() -> None:
    """503 meanwhile, never a wrong 401; what is known already is still believed."""
    issuer = Issuer()
    house = await _house_of(issuer)
    issuer.status = 503
    assert [await _told(house, _signed()) for _ in range(2)] == ["no_keys", "no_keys"]
    issuer.status = 200
    assert [await _told(house, _signed()), issuer.asked] == ["acme", 3]
    issuer.status = 503
    assert await _told(house, _signed(name="another")) == "acme"


def test_the_caller_is_what_the_claims_say_and_nothing_more() -> None:
    """Every claim finds its field; what is missing is nobody, nowhere, nothing."""
    ids = [new_id() for _ in range(5)]
    user, employee, unit, department, session = ids
    told = Caller.of_claims(
        {
            "tenant": "acme", "sub": str(user), "name": "Ada", "email": "ada@acme.example",
            "employee_id": str(employee), "unit_ids": [str(unit)],
            "department_ids": [str(department)], "grants": {"toy.*": "own"}, "sid": str(session),
        },
        "r-1",
    )  # fmt: skip
    assert told == Caller(
        tenant="acme", user_id=user, name="Ada", email="ada@acme.example", employee_id=employee,
        unit_ids=(unit,), department_ids=(department,), grants={"toy.*": "own"},
        session_id=session, request_id="r-1",
    )  # fmt: skip
    bare = Caller.of_claims({"tenant": "acme"}, "r-2")
    assert (bare.actor, bare.grants, bare.unit_ids, bare.time_zone) == (None, {}, (), "UTC")
    service = Caller.of_claims({"tenant": "acme", "service": "service:shop", "obo": "x"}, "r-3")
    assert (service.actor, service.on_behalf_of) == ("service:shop", "x")
    assert isinstance(told.user_id, UUID)
