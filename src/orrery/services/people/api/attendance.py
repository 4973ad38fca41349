"""Routes of attendance: one's own clock, days and months, corrections."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Query

from orrery.kernel.caller import Caller
from orrery.kernel.http import May, ReadTx, WriteTx, refusals, routes
from orrery.kernel.routing import resource_routes
from orrery.kernel.types.refusal import Malformed, NotFound
from orrery.services.people import permissions as p
from orrery.services.people.actions import attendance as actions
from orrery.services.people.queries import attendance as queries
from orrery.services.people.queries.resources import DAYS, EMPLOYEES
from orrery.services.people.rules import attendance as rules
from orrery.services.people.rules.employment import NotEmployed
from orrery.services.people.schemas import attendance as s

router = routes("/attendance", tags="attendance")
records = resource_routes(DAYS)


@router.get("/clock", responses=refusals(rules.NoEmployeeRecord))
async def read_clock(tx: ReadTx, caller: Annotated[Caller, May(p.ATTENDANCE_CLOCK)]) -> s.ClockView:
    """Whether the caller is clocked in, and since when."""
    return await queries.clock_state(tx, caller)


@router.post(
    "/clock-in",
    status_code=201,
    responses=refusals(rules.AlreadyClockedIn, rules.NoEmployeeRecord, NotEmployed),
)
async def clock_in(
    tx: WriteTx, caller: Annotated[Caller, May(p.ATTENDANCE_CLOCK)]
) -> s.AttendanceDayDetails:
    """Start a stay at work, now, for oneself."""
    day = await actions.clock_in(tx, caller)
    return await queries.day_details(tx, caller, day.id)


@router.post("/clock-out", responses=refusals(rules.NotClockedIn, rules.NoEmployeeRecord))
async def clock_out(
    tx: WriteTx, caller: Annotated[Caller, May(p.ATTENDANCE_CLOCK)]
) -> s.AttendanceDayDetails:
    """End the stay at work, now, for oneself."""
    day = await actions.clock_out(tx, caller)
    return await queries.day_details(tx, caller, day.id)


@router.post(
    "/corrections",
    status_code=201,
    responses=refusals(
        NotFound,
        rules.NothingToCorrect,
        rules.ClocksOverlap,
        rules.ClocksNotOnDay,
        NotEmployed,
    ),
)
async def correct_day(
    body: s.Correction, tx: WriteTx, caller: Annotated[Caller, May(p.ATTENDANCE_CORRECT)]
) -> s.AttendanceDayDetails:
    """Set the clock times or the status of an employee's day, with the reason."""
    await EMPLOYEES.permit(tx, caller, p.ATTENDANCE_CORRECT, body.employee_id)
    day = await actions.correct_day(tx, caller, body)
    return await queries.day_details(tx, caller, day.id)


@router.get("/months/{month}", responses=refusals(NotFound, Malformed, rules.NoEmployeeRecord))
async def read_month(
    month: str,
    tx: ReadTx,
    caller: Annotated[Caller, May(p.ATTENDANCE_READ)],
    employee_id: Annotated[UUID | None, Query(description="Oneself when left out.")] = None,
) -> s.MonthView:
    """Every day of a month such as 2026-11, worked or not."""
    wanted = rules.own_or(employee_id, caller.employee_id)
    await EMPLOYEES.permit(tx, caller, p.ATTENDANCE_READ, wanted)
    return await queries.month_of(tx, caller, wanted, month)


@router.get("/summary")
async def read_summary(
    tx: ReadTx,
    caller: Annotated[Caller, May(p.ATTENDANCE_READ)],
    on: Annotated[date | None, Query(description="Today when left out.")] = None,
    department_id: Annotated[UUID | None, Query()] = None,
) -> s.DaySummaryView:
    """How many came, were late or stayed away on a day."""
    day = on or caller.today
    return await queries.summary_of(tx, caller, on=day, department_id=department_id)
