"""JSON of departments and job roles."""

from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, model_validator

from orrery.kernel.schemas import Draft, View
from orrery.services.people.schemas.words import Blank, Code, Name, refuse_nulls


class DepartmentView(View):
    """A department."""

    id: UUID
    code: str
    name: str
    unit_id: UUID | None
    parent_id: UUID | None
    parent_name: str | None
    head_employee_id: UUID | None
    head_name: str | None
    employees: int
    is_archived: bool
    external_id: str | None
    version: int


class DepartmentDraft(Draft):
    """A new department."""

    code: Code
    name: Name
    unit_id: UUID | None = None
    parent_id: UUID | None = None
    head_employee_id: UUID | None = None
    external_id: str | None = None


class DepartmentChange(Draft):
    """What to change about a department; fields left out stay."""

    code: Code | None = None
    name: Name | None = None
    unit_id: UUID | None = None
    parent_id: UUID | None = None
    head_employee_id: UUID | None = None

    @model_validator(mode="after")
    def _keeps_what_is_needed(self) -> Self:
        return refuse_nulls(self, "code", "name")


class DepartmentImport(Draft):
    """A row of a file of departments; parents come first or are there already."""

    external_id: Annotated[str | None, Blank] = None
    code: Code
    name: Name
    parent: Annotated[str | None, Blank, Field(description="Code of the parent department.")] = None


class JobRoleView(View):
    """A job role."""

    id: UUID
    code: str
    name: str
    description: str | None
    is_archived: bool
    version: int


class JobRoleDraft(Draft):
    """A new job role."""

    code: Code
    name: Name
    description: str | None = None
