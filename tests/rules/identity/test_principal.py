"""What tokens say about a person, and until when."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from orrery.services.identity.rules.principal import Held, Principal, claims, token_end

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
LIFE = timedelta(minutes=5)
MINUTE = timedelta(minutes=1)
EVERYONE = {"identity.account.read": "own", "identity.account.use": "own"}

MIA = Principal(
    tenant="acme",
    user_id=UUID(int=1),
    email="mia@acme.example",
    full_name="Mia Schneider",
    is_active=True,
    must_change_password=False,
    employee_id=UUID(int=7),
    unit_ids=(str(UUID(int=8)),),
    department_ids=(str(UUID(int=9)),),
    held=(
        Held("assets.*", "all", None, None),
        Held("people.*.read", "own", None, NOON + 2 * MINUTE),
        Held("people.*.read", "all", NOON + MINUTE, None),
    ),
)


def test_only_grants_that_count_at_the_instant_are_said() -> None:
    assert MIA.grants_at(NOON) == EVERYONE | {"assets.*": "all", "people.*.read": "own"}
    assert MIA.grants_at(NOON + MINUTE) == EVERYONE | {"assets.*": "all", "people.*.read": "all"}


def test_with_a_temporary_password_one_may_only_replace_it() -> None:
    assert replace(MIA, must_change_password=True).grants_at(NOON) == EVERYONE


def test_a_disabled_user_may_nothing() -> None:
    assert replace(MIA, is_active=False).grants_at(NOON) == {}


def test_what_he_could_hold_one_day_counts_against_whoever_takes_the_account_over() -> None:
    asleep = replace(MIA, is_active=False, must_change_password=True)
    assert asleep.grants_possible() == EVERYONE | {"assets.*": "all", "people.*.read": "all"}


def test_a_token_ends_before_any_of_its_grants_does() -> None:
    """The brief: "changes bite at the next token", so a token must not outlive what it says."""
    assert token_end(MIA, NOON, LIFE) == NOON + 2 * MINUTE
    assert token_end(MIA, NOON + 2 * MINUTE, LIFE) == NOON + 7 * MINUTE
    assert token_end(replace(MIA, held=()), NOON, LIFE) == NOON + LIFE


def test_the_claims_are_those_that_every_service_reads() -> None:
    told = claims(MIA, NOON, expires_at=NOON + LIFE, session_id=UUID(int=5))
    assert told == {
        "iss": "orrery",
        "sub": "00000000-0000-0000-0000-000000000001",
        "tenant": "acme",
        "email": "mia@acme.example",
        "name": "Mia Schneider",
        "employee_id": "00000000-0000-0000-0000-000000000007",
        "unit_ids": ["00000000-0000-0000-0000-000000000008"],
        "department_ids": ["00000000-0000-0000-0000-000000000009"],
        "grants": EVERYONE | {"assets.*": "all", "people.*.read": "own"},
        "sid": "00000000-0000-0000-0000-000000000005",
        "iat": 1780315200,
        "exp": 1780315500,
    }


def test_a_programs_token_says_no_more_than_its_patterns() -> None:
    told = claims(
        MIA, NOON, expires_at=NOON + LIFE, session_id=None, patterns=["assets.*.read", "payroll.*"]
    )
    assert told["grants"] == {"assets.*.read": "all"}
    assert told["sid"] is None
