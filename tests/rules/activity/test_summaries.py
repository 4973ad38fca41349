"""What events read like in the feed."""

import dataclasses
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from orrery.kernel.events import all_events, registry
from orrery.services.activity import rules

USER = UUID(int=7)


def test_every_sentence_speaks_of_an_event_that_exists_and_of_its_fields() -> None:
    known = registry()
    for name, sentence in rules.SENTENCES.items():
        fields = {field.name for field in dataclasses.fields(known[name])}
        assert rules.fields_of(sentence) <= fields, name


@pytest.mark.parametrize("event", all_events(), ids=lambda event: event.name)
def test_every_event_has_a_summary_without_braces_or_brackets(event: Any) -> None:
    fields = dataclasses.fields(event)
    full = {field.name: f"<{field.name}>" for field in fields}
    empty: dict[str, Any] = dict.fromkeys(full)
    for data in (full, empty, {}):
        told = rules.summary(event.name, data)
        assert told
        assert told[0].isupper() or told[0] in "<("
        assert not set("{}[]") & set(told)


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        (
            "people.employee_hired.v1",
            {"full_name": "Ann Lee", "code": "EMP-001", "hired_on": "2026-11-02"},
            "Ann Lee (EMP-001) was hired for 2026-11-02",
        ),
        (
            "assets.asset_returned.v1",
            {"tag": "TBA00002", "returned_on": "2026-11-02", "reason": None},
            "Asset TBA00002 came back on 2026-11-02",
        ),
        (
            "assets.asset_returned.v1",
            {"tag": "TBA00002", "returned_on": "2026-11-02", "reason": "holder left"},
            "Asset TBA00002 came back on 2026-11-02: holder left",
        ),
        (
            "identity.role_assigned.v1",
            {"roles": ["hr_manager", "employee"]},
            "The roles of a user are now hr_manager, employee",
        ),
        ("identity.role_assigned.v1", {"roles": []}, "The roles of a user are now none"),
        ("sales.order_placed.v1", {"number": "SO-7", "total": "1.00"}, "Order placed: SO-7"),
        ("sales.order_placed.v1", {"order_id": "x"}, "Order placed"),
        (
            "crm.lead_won.v1",
            {"title": "Big one", "full_name": "Ann Lee", "email": "a@b"},
            "Lead won: Big one, Ann Lee",
        ),
    ],
)
def test_a_summary_is_one_plain_sentence(name: str, data: dict[str, Any], told: str) -> None:
    assert rules.summary(name, data) == told


def test_a_summary_has_an_end() -> None:
    told = rules.summary("crm.note_added.v1", {"title": "x" * 9_000})
    assert len(told) == rules.SUMMARY_MAX


@pytest.mark.parametrize(
    ("actor", "behalf", "person"),
    [
        (str(USER), None, USER),
        ("service:assets", str(USER), USER),
        (str(USER), str(UUID(int=8)), USER),
        ("service:assets", None, None),
        ("service:assets", "service:people", None),
        (None, None, None),
    ],
)
def test_behind_an_event_is_the_user_or_for_whom_a_service_acted(
    actor: str | None, behalf: str | None, person: UUID | None
) -> None:
    assert rules.person_behind(actor, behalf) == person


def test_the_feed_forgets_nothing_unless_told_to() -> None:
    """Retention is a setting; the default keeps everything."""
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    assert rules.forget_before(now, None) is None
    assert rules.forget_before(now, 30) == datetime(2026, 10, 22, 12, tzinfo=UTC)
