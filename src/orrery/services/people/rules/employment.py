"""The employment record: dated steps, what they add up to on any day, and what is refused."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from orrery.kernel.types.refusal import Refusal
from orrery.kernel.types.states import Machine

# What a dated change may set; everything else about an employee is a plain correction.
POSITION_FIELDS = ("department_id", "job_role_id", "manager_id", "location", "unit_id")
# A line of managers longer than this is a mistake in the data, not a company.
LINE_MAX = 100
NOWHERE: Mapping[str, Any] = dict.fromkeys(POSITION_FIELDS)

EMPLOYEE = Machine(
    "employee",
    start="active",
    moves={("active", "leave"): "left", ("left", "rehire"): "active"},
)
CHANGE = Machine(
    "employee_change",
    start="scheduled",
    moves={
        ("scheduled", "apply"): "applied",
        ("scheduled", "cancel"): "cancelled",
        ("scheduled", "refuse"): "refused",
        ("refused", "cancel"): "cancelled",
    },
)


class CodeTaken(Refusal):
    """Another employee has this code."""

    code = "people.employee_code_taken"


class EmailTaken(Refusal):
    """Another employee, perhaps one who left, has this e-mail address in whatever spelling."""

    code = "people.email_taken"


class OwnManager(Refusal):
    """Nobody reports to oneself."""

    code = "people.own_manager"


class ReportingCycle(Refusal):
    """The new manager already reports to the employee, directly or through others."""

    code = "people.reporting_cycle"


class ManagerLeft(Refusal):
    """The manager named does not work here any more."""

    code = "people.manager_left"


class HeadsDepartment(Refusal):
    """The employee heads a department; name another head before they leave."""

    code = "people.heads_department"


class NotEmployed(Refusal):
    """The employee does not work here on that day: before the hiring or after the leaving."""

    code = "people.not_employed"


class HiredTooEarly(Refusal):
    """The day of hiring lies in the time before the last leaving, or after a later change."""

    code = "people.hired_on_conflict"


class NothingToChange(Refusal):
    """The change names no field."""

    code = "people.nothing_to_change"


class UnknownReference(Refusal):
    """A code or name in an import matches no department or job role."""

    code = "people.unknown_reference"


@dataclass(frozen=True)
class Step:
    """One dated entry of the record: a hiring, a change, a leaving (its last day) or a return."""

    kind: str
    effective_on: date
    fields: Mapping[str, Any] = field(default_factory=dict)

    @property
    def counts_from(self) -> date:
        """The first day on which things are different; the last day at work is still a work day."""
        return self.effective_on + timedelta(days=1) if self.kind == "leave" else self.effective_on


@dataclass(frozen=True)
class Span:
    """A position held from one day until the day before another, or until further notice."""

    starts_on: date
    ends_before: date | None
    fields: Mapping[str, Any]

    def covers(self, day: date) -> bool:
        """Whether the position is held on a day."""
        return self.starts_on <= day and (self.ends_before is None or day < self.ends_before)


def spans(steps: Sequence[Step]) -> list[Span]:
    """Fold the steps, given in the order they were recorded, into positions without overlap.

    Steps count by their date and, on one day, by the order of recording; a step entered late for
    an early day therefore changes only what no later step has set. Changes dated after a leaving
    have no effect.
    """
    told: list[Span] = []
    for step in sorted(steps, key=lambda one: one.counts_from):
        told = _after(told, step)
    return told


def span_on(told: Sequence[Span], day: date) -> Span | None:
    """The position held on a day, if any."""
    return next((span for span in told if span.covers(day)), None)


def present_span(told: Sequence[Span], today: date) -> Span:
    """What the employee's record shows: today's position, else the next, else the last one."""
    held = span_on(told, today)
    coming = [span for span in told if span.starts_on > today]
    return held or (coming[0] if coming else told[-1])


def check_change(told: Sequence[Span], *, effective_on: date, fields: Mapping[str, Any]) -> None:
    """Refuse a change of nothing, or on a day without employment."""
    if not fields:
        raise NothingToChange(possible=list(POSITION_FIELDS))
    if span_on(told, effective_on) is None:
        raise NotEmployed(effective_on=effective_on)


def check_leaving(told: Sequence[Span], *, left_on: date) -> None:
    """Refuse a last day on which the employee was not at work here."""
    if span_on(told, left_on) is None:
        raise NotEmployed(left_on=left_on)


def check_return(*, hired_on: date, left_on: date) -> None:
    """Refuse a return on or before the last day of the time before."""
    if hired_on <= left_on:
        raise HiredTooEarly(hired_on=hired_on, left_on=left_on)


def check_hiring_moved(steps: Sequence[Step], *, hired_on: date) -> list[Step]:
    """The steps with their last hiring moved to another day; refused when it passes another."""
    at = max(i for i, step in enumerate(steps) if step.kind in ("hire", "rehire"))
    before = [step.effective_on for step in steps[:at] if step.kind == "leave"]
    after = [step.effective_on for step in steps[at + 1 :]]
    if (before and hired_on <= max(before)) or (after and hired_on > min(after)):
        raise HiredTooEarly(
            hired_on=hired_on,
            left_on=max(before, default=None),
            first_change_on=min(after, default=None),
        )
    return [*steps[:at], replace(steps[at], effective_on=hired_on), *steps[at + 1 :]]


def check_manager(
    *, employee_id: UUID, manager_id: UUID, manager_status: str, chain: Sequence[UUID]
) -> None:
    """Refuse oneself, who left, and who is below; ``chain`` is whom the manager reports to."""
    if manager_id == employee_id:
        raise OwnManager(employee_id=employee_id)
    if manager_status != "active":
        raise ManagerLeft(manager_id=manager_id)
    if employee_id in chain:
        raise ReportingCycle(employee_id=employee_id, manager_id=manager_id)


def line_above(lines: Mapping[UUID, UUID | None], employee_id: UUID) -> list[UUID]:
    """Whom an employee reports to, directly and through others, nearest first."""
    told: list[UUID] = []
    above = lines.get(employee_id)
    while above is not None and len(told) < LINE_MAX:
        told.append(above)
        above = lines.get(above)
    return told


def address(email: str | None) -> str | None:
    """An e-mail address as it is kept: without blanks around it, in small letters."""
    return (email or "").strip().lower() or None


def full_name(first_name: str, last_name: str) -> str:
    """The name as it is written on a list."""
    return f"{first_name} {last_name}".strip()


def _after(told: list[Span], step: Step) -> list[Span]:
    last = told[-1] if told else None
    is_employed = last is not None and last.ends_before is None
    if step.kind in ("hire", "rehire"):
        return [*told, Span(step.effective_on, None, {**NOWHERE, **step.fields})]
    if last is None or not is_employed:
        return told
    if step.kind == "leave":
        return [*told[:-1], replace(last, ends_before=step.counts_from)]
    fields = {**last.fields, **step.fields}
    if fields == last.fields:
        return told
    if last.starts_on == step.effective_on:
        return [*told[:-1], replace(last, fields=fields)]
    return [
        *told[:-1],
        replace(last, ends_before=step.effective_on),
        Span(step.effective_on, None, fields),
    ]
