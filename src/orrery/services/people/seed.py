"""The demo company's people: who works at Meridian Trading, since when, and at what hours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.kernel.types.ids import demo_id, new_id
from orrery.services.people import models as m
from orrery.services.people.actions import changes, departments, employees, zones
from orrery.services.people.queries import attendance as queries
from orrery.services.people.rules import attendance as rules
from orrery.services.people.rules.attendance import Schedule, Stay

HEADQUARTERS = demo_id("organization", "unit-hq")
LONDON = demo_id("organization", "unit-ldn")
WEEKS_OF_ATTENDANCE = 4


@dataclass(frozen=True)
class Person:
    """One of the demo company; the number is the last part of the demo id."""

    number: int
    first_name: str
    last_name: str
    job_role: str
    department: str
    manager: int | None
    years: int
    location: str = "Berlin"
    email: str | None = None


PEOPLE = (
    Person(1, "Ada", "Lindqvist", "DIRECTOR", "OPS", None, 11, email="admin@demo.example"),
    Person(2, "Jonas", "Weber", "HEAD", "ENG", 1, 8),
    Person(3, "Ingrid", "Vogel", "HEAD", "HR", 1, 7, email="hr@demo.example"),
    Person(4, "Priya", "Nair", "HEAD", "FIN", 1, 6),
    Person(5, "Tomás", "Herrera", "ACCOUNTANT", "FIN", 4, 4, email="accountant@demo.example"),
    Person(6, "Marek", "Kowalski", "HEAD", "IT", 1, 6),
    Person(7, "Amara", "Okafor", "ASSETS", "IT", 6, 3, email="assets@demo.example"),
    Person(8, "Sofia", "Rossi", "HEAD", "SALES", 1, 5),
    Person(9, "Lena", "Fischer", "ENGINEER", "ENG", 2, 4),
    Person(10, "Yusuf", "Demir", "ENGINEER", "IT", 6, 3),
    Person(11, "Chloé", "Martin", "HEAD", "OPS", 1, 5),
    Person(12, "Elias", "Brandt", "SELLER", "SALES", 8, 2, email="employee@demo.example"),
    Person(13, "Hannah", "Cole", "SELLER", "SALES", 8, 2, location="London"),
    Person(14, "Oskar", "Nyberg", "DISPATCHER", "OPS", 11, 1),
    Person(15, "Mia", "Schneider", "ACCOUNTANT", "FIN", 4, 3),
)
JOB_ROLES = {
    "DIRECTOR": "Managing Director",
    "HEAD": "Head of Department",
    "ENGINEER": "Engineer",
    "LEAD": "Lead Engineer",
    "ACCOUNTANT": "Accountant",
    "ASSETS": "Asset Manager",
    "SELLER": "Sales Representative",
    "DISPATCHER": "Dispatcher",
}
HEADS = {"ENG": 2, "HR": 3, "FIN": 4, "IT": 6, "SALES": 8, "OPS": 11}
HOLIDAYS = {(1, 1): "New Year's Day", (12, 25): "Christmas Day", (12, 26): "Second Christmas Day"}


async def seed(tx: Tx, caller: Caller) -> None:
    """Fill the demo tenant; a second run changes nothing."""
    if await tx.find(m.Employee, id=_employee(1)) is not None:
        return
    # Announced by organization too; the seed does not wait for it.
    await zones.keep_zone(tx, unit_id=HEADQUARTERS, time_zone="Europe/Berlin")
    await zones.keep_zone(tx, unit_id=LONDON, time_zone="Europe/London")
    for code, name in JOB_ROLES.items():
        await tx.add(m.JobRole, id=_job_role(code), code=code, name=name)
    places = {row.code: row.id for row in await tx.all(m.Department)}
    for person in PEOPLE:
        values = _values(person, places[person.department], caller.today)
        await employees.hire_employee(tx, caller, values, id=_employee(person.number))
    for code, number in HEADS.items():
        values = {"unit_id": HEADQUARTERS, "head_employee_id": _employee(number)}
        await departments.change_department(tx, caller, places[code], values)
    await _move_people(tx, caller, engineering=places["ENG"])
    await _keep_holidays(tx, caller.today)
    await _fill_attendance(tx, caller, places)


def _values(person: Person, department_id: UUID, today: date) -> dict[str, Any]:
    name = f"{person.first_name}.{person.last_name}".lower().replace("é", "e")
    hired_on = today - timedelta(days=person.years * 365 + person.number * 9)
    return {
        "first_name": person.first_name,
        "last_name": person.last_name,
        "email": person.email or f"{name}@demo.example",
        "phone": f"+49 30 55501{person.number:02}",
        "department_id": department_id,
        "job_role_id": _job_role(person.job_role),
        "manager_id": _employee(person.manager) if person.manager else None,
        "location": person.location,
        "unit_id": LONDON if person.location == "London" else HEADQUARTERS,
        "hired_on": hired_on,
        "birth_date": date(1968 + person.number * 2, person.number % 12 + 1, 11),
        "city": person.location,
        "country": "GB" if person.location == "London" else "DE",
    }


async def _move_people(tx: Tx, caller: Caller, *, engineering: UUID) -> None:
    """One move in the past, one to come, and one who left."""
    await changes.change_position(
        tx,
        caller,
        _employee(10),
        effective_on=caller.today - timedelta(days=300),
        fields={"department_id": engineering, "manager_id": _employee(2)},
        note="Moved to the product team",
    )
    await changes.change_position(
        tx,
        caller,
        _employee(9),
        effective_on=(caller.today.replace(day=1) + timedelta(days=32)).replace(day=1),
        fields={"job_role_id": _job_role("LEAD")},
        note="Promotion",
    )
    await changes.end_employment(
        tx,
        caller,
        _employee(15),
        left_on=caller.today - timedelta(days=90),
        reason="Moved to another city",
    )


async def _keep_holidays(tx: Tx, today: date) -> None:
    for year in (today.year, today.year + 1):
        for (month, day), name in HOLIDAYS.items():
            on = date(year, month, day)
            await tx.add(m.Holiday, code=on.isoformat(), name=name, day=on)


async def _fill_attendance(tx: Tx, caller: Caller, places: Mapping[str, UUID]) -> None:
    last = caller.today - timedelta(days=1)
    first = last - timedelta(weeks=WEEKS_OF_ATTENDANCE)
    told = await queries.calendar(tx, caller, first=first, last=last)
    days: list[dict[str, Any]] = []
    clocks: list[dict[str, Any]] = []
    for person in PEOPLE[:-1]:
        unit_id = LONDON if person.location == "London" else HEADQUARTERS
        hours = told.hours(places[person.department], unit_id)
        for day in (first + timedelta(days=n) for n in range((last - first).days + 1)):
            if hours.schedule is not None and hours.schedule.works_on(day):
                holiday = told.holiday(day, unit_id) is not None
                stays = [] if holiday else _stays(person.number, day, hours.zone)
                row = _day(person, day, stays, hours.schedule, hours.zone, is_holiday=holiday)
                days.append(row)
                clocks += [_clock(row, stay) for stay in stays]
    await tx.add_many(m.AttendanceDay, days)
    await tx.add_many(m.AttendanceClock, clocks)


def _stays(number: int, day: date, zone: ZoneInfo) -> Sequence[Stay]:
    """Mostly on time, now and then late, short or absent; the same at every run on that day."""
    turn = (number * 7 + day.toordinal() * 3) % 23
    if turn in (0, 1):
        return []
    start = {2: time(9, 25), 3: time(10, 5)}.get(turn, time(8, 45 + turn % 15))
    end = time(12, 10) if turn == 4 else time(17, 30 + turn)
    if turn == 4:
        return [_stay(day, start, end, zone)]
    return [
        _stay(day, start, time(12, 30), zone),
        _stay(day, time(13, 5 + number % 10), end, zone),
    ]


def _stay(day: date, start: time, end: time, zone: ZoneInfo) -> Stay:
    return Stay(datetime.combine(day, start, zone), datetime.combine(day, end, zone))


def _day(
    person: Person,
    day: date,
    stays: Sequence[Stay],
    schedule: Schedule,
    zone: ZoneInfo,
    *,
    is_holiday: bool,
) -> dict[str, Any]:
    shift = rules.shift_on(schedule, day, zone)
    end = rules.summarise(stays, shift, is_holiday=is_holiday, is_closed=True)
    is_leave = end.status == "absent" and person.number % 2 == 0
    return {
        "id": new_id(),
        "employee_id": _employee(person.number),
        "day": day,
        "status": "leave" if is_leave else end.status,
        "first_in_at": end.first_in_at,
        "last_out_at": end.last_out_at,
        "minutes_worked": end.minutes_worked,
        "minutes_late": end.minutes_late,
        "minutes_early": end.minutes_early,
        "is_closed": True,
        "is_corrected": is_leave,
        "is_clock_forgotten": False,
        "note": "Annual leave" if is_leave else None,
    }


def _clock(day: dict[str, Any], stay: Stay) -> dict[str, Any]:
    return {
        "day_id": day["id"],
        "employee_id": day["employee_id"],
        "clocked_in_at": stay.clocked_in_at,
        "clocked_out_at": stay.clocked_out_at,
        "is_void": False,
    }


def _employee(number: int) -> UUID:
    return demo_id("people", f"employee-{number}")


def _job_role(code: str) -> UUID:
    return demo_id("people", f"job-role-{code.lower()}")
