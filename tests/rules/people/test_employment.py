"""The employment record as dated steps (HR-1: effective-dated, future changes scheduled)."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as some

from orrery.kernel.types.states import WrongState
from orrery.services.people.rules import employment as rules
from orrery.services.people.rules.employment import Step

ENG, OPS, FIN = (UUID(int=n) for n in (1, 2, 3))
ANN, BEN, CAT = (UUID(int=n) for n in (11, 12, 13))
JAN, FEB, MAR, APR, MAY = (date(2026, month, 1) for month in range(1, 6))


def hire(on: date, **fields: Any) -> Step:
    return Step("hire", on, fields)


def change(on: date, **fields: Any) -> Step:
    return Step("change", on, fields)


def departments(steps: list[Step]) -> list[tuple[date, date | None, UUID | None]]:
    return [(s.starts_on, s.ends_before, s.fields["department_id"]) for s in rules.spans(steps)]


def test_a_hiring_alone_is_one_position_until_further_notice() -> None:
    assert departments([hire(JAN, department_id=ENG)]) == [(JAN, None, ENG)]


def test_a_change_ends_one_position_and_starts_the_next_on_its_day() -> None:
    steps = [hire(JAN, department_id=ENG), change(MAR, department_id=OPS)]
    assert departments(steps) == [(JAN, MAR, ENG), (MAR, None, OPS)]
    told = rules.spans(steps)
    before = rules.span_on(told, MAR - timedelta(days=1))
    assert before is not None
    assert before.fields["department_id"] == ENG
    assert rules.span_on(told, MAR) == told[1]


def test_a_change_on_the_day_of_hiring_corrects_the_first_position() -> None:
    assert departments([hire(JAN, department_id=ENG), change(JAN, department_id=OPS)]) == [
        (JAN, None, OPS)
    ]


def test_of_two_changes_on_one_day_the_one_recorded_last_counts() -> None:
    steps = [
        hire(JAN, department_id=ENG),
        change(MAR, department_id=OPS),
        change(MAR, department_id=FIN),
    ]
    assert departments(steps) == [(JAN, MAR, ENG), (MAR, None, FIN)]


def test_a_change_that_changes_nothing_makes_no_new_position() -> None:
    assert departments([hire(JAN, department_id=ENG), change(MAR, department_id=ENG)]) == [
        (JAN, None, ENG)
    ]


def test_a_change_entered_late_changes_only_what_no_later_step_has_set() -> None:
    steps = [
        hire(JAN, department_id=ENG, location="Berlin"),
        change(MAR, department_id=OPS),
        change(FEB, department_id=FIN, location="Rome"),
    ]
    told = [
        (s.starts_on, s.fields["department_id"], s.fields["location"]) for s in rules.spans(steps)
    ]
    assert told == [(JAN, ENG, "Berlin"), (FEB, FIN, "Rome"), (MAR, OPS, "Rome")]


def test_the_last_day_is_still_a_day_at_work_and_the_next_is_not() -> None:
    told = rules.spans([hire(JAN, department_id=ENG), Step("leave", MAR)])
    assert rules.span_on(told, MAR) is not None
    assert rules.span_on(told, MAR + timedelta(days=1)) is None


def test_somebody_may_leave_on_the_day_of_hiring() -> None:
    assert departments([hire(JAN, department_id=ENG), Step("leave", JAN)]) == [
        (JAN, date(2026, 1, 2), ENG)
    ]


def test_a_return_starts_from_its_own_fields_and_leaves_a_gap() -> None:
    steps = [
        hire(JAN, department_id=ENG, manager_id=ANN),
        Step("leave", FEB),
        Step("rehire", APR, {"department_id": OPS}),
    ]
    told = rules.spans(steps)
    assert departments(steps) == [(JAN, date(2026, 2, 2), ENG), (APR, None, OPS)]
    assert told[1].fields["manager_id"] is None
    assert rules.span_on(told, MAR) is None


def test_a_change_dated_after_the_leaving_has_no_effect() -> None:
    steps = [hire(JAN, department_id=ENG), change(MAR, department_id=OPS), Step("leave", FEB)]
    assert departments(steps) == [(JAN, date(2026, 2, 2), ENG)]


@pytest.mark.parametrize(
    ("today", "department"),
    [(JAN - timedelta(days=1), ENG), (JAN, ENG), (MAR, OPS), (MAY, OPS)],
)
def test_the_record_shows_todays_position_or_the_first_to_come_or_the_last(
    today: date, department: UUID
) -> None:
    steps = [hire(JAN, department_id=ENG), change(MAR, department_id=OPS), Step("leave", APR)]
    assert rules.present_span(rules.spans(steps), today).fields["department_id"] == department


@pytest.mark.parametrize(
    ("effective_on", "fields", "refusal"),
    [
        (JAN, {"department_id": OPS}, None),
        (JAN - timedelta(days=1), {"department_id": OPS}, rules.NotEmployed),
        (MAR, {"department_id": OPS}, None),
        (MAR + timedelta(days=1), {"department_id": OPS}, rules.NotEmployed),
        (FEB, {}, rules.NothingToChange),
    ],
)
def test_a_change_needs_a_field_and_a_day_of_employment(
    effective_on: date, fields: dict[str, Any], refusal: type[Exception] | None
) -> None:
    told = rules.spans([hire(JAN, department_id=ENG), Step("leave", MAR)])
    if refusal is None:
        rules.check_change(told, effective_on=effective_on, fields=fields)
    else:
        with pytest.raises(refusal):
            rules.check_change(told, effective_on=effective_on, fields=fields)


@pytest.mark.parametrize(
    ("hired_on", "fits"), [(FEB, False), (FEB + timedelta(days=1), True), (MAR, True)]
)
def test_a_return_is_after_the_last_day(hired_on: date, *, fits: bool) -> None:
    if fits:
        rules.check_return(hired_on=hired_on, left_on=FEB)
    else:
        with pytest.raises(rules.HiredTooEarly):
            rules.check_return(hired_on=hired_on, left_on=FEB)


@pytest.mark.parametrize(
    ("hired_on", "fits"),
    [(FEB, False), (FEB + timedelta(days=1), True), (MAY, True), (MAY + timedelta(days=1), False)],
)
def test_the_day_of_hiring_moves_only_between_the_leaving_before_and_the_first_change(
    hired_on: date, *, fits: bool
) -> None:
    steps = [
        hire(JAN, department_id=ENG),
        Step("leave", FEB),
        Step("rehire", APR, {"department_id": ENG}),
        change(MAY, department_id=OPS),
    ]
    if fits:
        moved = rules.check_hiring_moved(steps, hired_on=hired_on)
        assert [s.effective_on for s in moved] == [JAN, FEB, hired_on, MAY]
    else:
        with pytest.raises(rules.HiredTooEarly):
            rules.check_hiring_moved(steps, hired_on=hired_on)


@pytest.mark.parametrize(
    ("manager", "status", "chain", "refusal"),
    [
        (BEN, "active", [CAT], None),
        (ANN, "active", [], rules.OwnManager),
        (BEN, "left", [], rules.ManagerLeft),
        (BEN, "active", [CAT, ANN], rules.ReportingCycle),
    ],
)
def test_who_may_be_anns_manager(
    manager: UUID, status: str, chain: list[UUID], refusal: type[Exception] | None
) -> None:
    """Issue 2 B: manager_id without cycles and not oneself."""

    def check() -> None:
        rules.check_manager(employee_id=ANN, manager_id=manager, manager_status=status, chain=chain)

    if refusal is None:
        check()
    else:
        with pytest.raises(refusal):
            check()


@pytest.mark.parametrize(
    ("state", "verb", "after"),
    [
        ("active", "leave", "left"),
        ("left", "rehire", "active"),
        ("left", "leave", None),
        ("active", "rehire", None),
    ],
)
def test_an_employee_leaves_once_and_returns_only_after_leaving(
    state: str, verb: str, after: str | None
) -> None:
    if after is None:
        with pytest.raises(WrongState):
            rules.EMPLOYEE.after(state, verb)
    else:
        assert rules.EMPLOYEE.after(state, verb) == after


def test_an_applied_change_cannot_be_cancelled() -> None:
    assert rules.CHANGE.verbs("applied") == []
    assert rules.CHANGE.verbs("scheduled") == ["apply", "cancel", "refuse"]
    assert rules.CHANGE.verbs("refused") == ["cancel"]
    assert rules.CHANGE.unreachable() == set()


days = some.dates(date(2026, 1, 2), date(2026, 3, 31))
changes = some.builds(
    lambda on, department, place: change(on, department_id=department, location=place),
    days,
    some.sampled_from([ENG, OPS, FIN]),
    some.sampled_from(["Berlin", "Rome"]),
)


@given(some.lists(changes, max_size=8), some.none() | days)
def test_positions_never_overlap_and_every_day_of_employment_has_exactly_one(
    steps: list[Step], left_on: date | None
) -> None:
    """HR-1: who was where on any day has exactly one answer."""
    record = [hire(JAN, department_id=ENG), *steps]
    record += [Step("leave", left_on)] if left_on else []
    told = rules.spans(record)
    for day in (JAN + timedelta(days=n) for n in range(-1, 95)):
        is_employed = day >= JAN and (left_on is None or day <= left_on)
        assert sum(span.covers(day) for span in told) == int(is_employed)


@given(some.lists(changes, max_size=6), days)
def test_on_any_day_the_latest_change_that_counts_by_then_is_what_shows(
    steps: list[Step], day: date
) -> None:
    told = rules.span_on(rules.spans([hire(JAN, department_id=ENG), *steps]), day)
    counting = [s for s in steps if s.effective_on <= day]
    latest = max(
        enumerate(counting), key=lambda pair: (pair[1].effective_on, pair[0]), default=None
    )
    assert told is not None
    assert told.fields["department_id"] == (latest[1].fields["department_id"] if latest else ENG)
