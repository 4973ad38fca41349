"""Check-in rules (HR-3: late, early; issue 2 B: attendance with statuses and per-day rules)."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from orrery.kernel.types.refusal import Malformed
from orrery.services.people.rules import attendance as rules
from orrery.services.people.rules.attendance import Schedule, Stay

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
OFFICE = Schedule(time(9), time(17, 30), 10, 240, frozenset({1, 2, 3, 4, 5}))
NIGHT = Schedule(time(22), time(6), 5, 360, frozenset({1, 2, 3, 4, 5}))
MONDAY, SATURDAY = date(2026, 11, 2), date(2026, 11, 7)


def at(clock: str, day: date = MONDAY, zone: ZoneInfo = BERLIN) -> datetime:
    return datetime.combine(day, time.fromisoformat(clock), zone).astimezone(UTC)


def office_day(
    *stays: tuple[str, str | None], is_closed: bool = True, is_holiday: bool = False
) -> rules.DaySummary:
    return rules.summarise(
        [Stay(at(come), at(go) if go else None) for come, go in stays],
        rules.shift_on(OFFICE, MONDAY, BERLIN),
        is_holiday=is_holiday,
        is_closed=is_closed,
    )


@pytest.mark.parametrize(
    ("come", "status", "minutes_late"),
    [
        ("08:40", "present", 0),
        ("09:00", "present", 0),
        ("09:10:00", "present", 0),
        ("09:10:01", "late", 10),
        ("09:11", "late", 11),
        ("11:00", "late", 120),
    ],
)
def test_lateness_begins_after_the_grace_minutes_and_counts_from_the_start(
    come: str, status: str, minutes_late: int
) -> None:
    """HR-3, check-in rules: late."""
    day = office_day((come, "18:00"))
    assert (day.status, day.minutes_late) == (status, minutes_late)


@pytest.mark.parametrize(
    ("go", "minutes_early"),
    [("17:30", 0), ("17:20", 0), ("17:19:59", 10), ("17:00", 30), ("19:00", 0)],
)
def test_leaving_early_begins_before_the_grace_minutes_and_counts_from_the_end(
    go: str, minutes_early: int
) -> None:
    """HR-3, check-in rules: early."""
    assert office_day(("09:00", go)).minutes_early == minutes_early


def test_a_second_after_a_schedule_without_grace_is_one_minute_late() -> None:
    strict = Schedule(time(9), time(17), 0, 0, frozenset({1}))
    day = rules.summarise(
        [Stay(at("09:00:01"), at("17:00"))],
        rules.shift_on(strict, MONDAY, BERLIN),
        is_holiday=False,
        is_closed=True,
    )
    assert (day.status, day.minutes_late) == ("late", 1)


@pytest.mark.parametrize(
    ("go", "status"), [("12:59", "half_day"), ("13:00", "present"), ("12:59:59", "half_day")]
)
def test_below_the_minimum_a_closed_day_is_half_a_day(go: str, status: str) -> None:
    """Minimum of 240 minutes: 239 is half a day, 240 is a day."""
    assert office_day(("09:00", go)).status == status


def test_half_a_day_is_decided_only_when_the_day_is_closed() -> None:
    assert office_day(("09:00", "10:00"), is_closed=False).status == "present"
    assert office_day(("09:30", "10:00"), is_closed=False).status == "late"
    assert office_day(("09:30", "10:00"), is_closed=True).status == "half_day"


def test_several_stays_add_up_and_lateness_is_that_of_the_first() -> None:
    day = office_day(("09:05", "12:00"), ("12:45", "17:40"))
    assert (day.status, day.minutes_worked, day.minutes_late, day.minutes_early) == (
        "present",
        175 + 295,
        0,
        0,
    )
    assert (day.first_in_at, day.last_out_at) == (at("09:05"), at("17:40"))


def test_while_somebody_is_at_work_the_day_has_no_end_and_counts_what_is_done() -> None:
    day = office_day(("09:00", "12:00"), ("13:00", None), is_closed=False)
    assert (day.status, day.last_out_at, day.minutes_worked) == ("present", None, 180)


@pytest.mark.parametrize(
    ("day", "is_holiday", "is_closed", "status"),
    [
        (MONDAY, False, False, None),
        (MONDAY, False, True, "absent"),
        (MONDAY, True, True, "holiday"),
        (SATURDAY, False, True, None),
        (SATURDAY, True, True, None),
    ],
)
def test_a_day_without_a_clock(
    day: date, is_holiday: bool, is_closed: bool, status: str | None
) -> None:
    """Absent where nothing was recorded, once the day is closed; a day off is no absence."""
    shift = rules.shift_on(OFFICE, day, BERLIN)
    assert rules.summarise([], shift, is_holiday=is_holiday, is_closed=is_closed).status == status


def test_work_on_a_holiday_or_a_day_off_is_never_late_nor_half() -> None:
    assert office_day(("11:00", "11:30"), is_holiday=True).status == "present"
    weekend = rules.summarise(
        [Stay(at("11:00", SATURDAY), at("11:30", SATURDAY))],
        rules.shift_on(OFFICE, SATURDAY, BERLIN),
        is_holiday=False,
        is_closed=True,
    )
    assert (weekend.status, weekend.minutes_late, weekend.minutes_worked) == ("present", 0, 30)


@pytest.mark.parametrize(
    ("when", "day"),
    [
        (at("21:50"), MONDAY),
        (at("00:30", MONDAY + timedelta(days=1)), MONDAY),
        (at("05:59", MONDAY + timedelta(days=1)), MONDAY),
        (at("06:00", MONDAY + timedelta(days=1)), MONDAY + timedelta(days=1)),
        (at("03:00"), MONDAY),
        (at("03:00", SATURDAY), SATURDAY - timedelta(days=1)),
        (at("03:00", SATURDAY + timedelta(days=1)), SATURDAY + timedelta(days=1)),
    ],
)
def test_a_clock_after_midnight_belongs_to_the_night_shift_that_is_running(
    when: datetime, day: date
) -> None:
    """Clocks across midnight: only a shift that began the evening before claims the morning."""
    assert rules.business_day(when, NIGHT, BERLIN) == day


def test_with_office_hours_a_clock_belongs_to_its_local_date() -> None:
    late_evening = datetime(2026, 11, 2, 23, 30, tzinfo=UTC)
    assert rules.business_day(late_evening, OFFICE, BERLIN) == date(2026, 11, 3)
    assert rules.business_day(late_evening, OFFICE, NEW_YORK) == date(2026, 11, 2)
    assert rules.business_day(late_evening, None, BERLIN) == date(2026, 11, 3)


def test_a_night_shift_is_worked_across_midnight() -> None:
    day = rules.summarise(
        [Stay(at("22:06"), at("06:00", MONDAY + timedelta(days=1)))],
        rules.shift_on(NIGHT, MONDAY, BERLIN),
        is_holiday=False,
        is_closed=True,
    )
    assert (day.status, day.minutes_late, day.minutes_early, day.minutes_worked) == (
        "late",
        6,
        0,
        474,
    )


@pytest.mark.parametrize(
    ("day", "minutes"),
    [(date(2026, 3, 28), 420), (date(2026, 10, 24), 540), (date(2026, 6, 6), 480)],
)
def test_the_hours_of_a_night_in_which_summer_time_changes_are_the_real_ones(
    day: date, minutes: int
) -> None:
    """Times are instants: the night of 28 March 2026 has seven hours of work, 24 October nine."""
    nightly = Schedule(time(22), time(6), 0, 0, frozenset(range(1, 8)))
    shift = rules.shift_on(nightly, day, BERLIN)
    assert shift is not None
    assert rules.minutes_worked([Stay(shift.starts, shift.ends)]) == minutes


@pytest.mark.parametrize(
    ("schedule", "now", "is_over"),
    [
        (OFFICE, at("23:59"), False),
        (OFFICE, at("00:00", MONDAY + timedelta(days=1)), True),
        (None, at("00:00", MONDAY + timedelta(days=1)), True),
        (NIGHT, at("05:59", MONDAY + timedelta(days=1)), False),
        (NIGHT, at("06:00", MONDAY + timedelta(days=1)), True),
    ],
)
def test_a_day_is_over_when_it_has_passed_where_the_employee_works(
    schedule: Schedule | None, now: datetime, is_over: bool
) -> None:
    assert rules.is_over(MONDAY, schedule, now=now, zone=BERLIN) == is_over


@pytest.mark.parametrize(("hours", "forgotten"), [(15, False), (16, True)])
def test_an_open_clock_in_of_sixteen_hours_was_forgotten(hours: int, *, forgotten: bool) -> None:
    come = at("09:00")
    now = come + timedelta(hours=hours)
    assert rules.is_forgotten(come, now=now, limit=timedelta(hours=16)) == forgotten


@pytest.mark.parametrize(
    ("stays", "refusal"),
    [
        ([("09:00", "12:00"), ("12:00", "17:00")], None),
        ([("13:00", "17:00"), ("09:00", "12:00")], None),
        ([("09:00", "12:01"), ("12:00", "17:00")], rules.ClocksOverlap),
        ([("09:00", "09:00")], rules.ClocksOverlap),
        ([("12:00", "09:00")], rules.ClocksOverlap),
        ([("09:00", "19:01")], rules.ClocksNotOnDay),
    ],
)
def test_corrected_stays_follow_each_other_and_lie_in_the_past(
    stays: list[tuple[str, str]], refusal: type[Exception] | None
) -> None:
    def check() -> None:
        rules.check_stays(
            [Stay(at(come), at(go)) for come, go in stays],
            day=MONDAY,
            schedule=OFFICE,
            zone=BERLIN,
            now=at("19:00"),
        )

    if refusal is None:
        check()
    else:
        with pytest.raises(refusal):
            check()


def test_a_corrected_stay_begins_on_the_day_it_is_for() -> None:
    with pytest.raises(rules.ClocksNotOnDay):
        rules.check_stays(
            [Stay(at("09:00"), at("17:00"))],
            day=MONDAY + timedelta(days=1),
            schedule=OFFICE,
            zone=BERLIN,
            now=at("19:00", SATURDAY),
        )


@pytest.mark.parametrize(
    ("month", "count", "last"),
    [
        ("2026-11", 30, date(2026, 11, 30)),
        ("2028-02", 29, date(2028, 2, 29)),
        ("2026-12", 31, date(2026, 12, 31)),
    ],
)
def test_a_month_has_all_its_days(month: str, count: int, last: date) -> None:
    days = rules.days_of_month(month)
    assert (len(days), days[0].day, days[-1]) == (count, 1, last)


@pytest.mark.parametrize("month", ["2026-13", "2026", "November", "2026-11-02", ""])
def test_what_is_no_month_is_malformed(month: str) -> None:
    with pytest.raises(Malformed):
        rules.days_of_month(month)
