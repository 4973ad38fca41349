"""The tree of departments: what keeps it a tree, and what keeps a department from the archive."""

from collections.abc import Sequence
from uuid import UUID

from orrery.kernel.types.refusal import Refusal


class DepartmentCodeTaken(Refusal):
    """Another department has this code."""

    code = "people.department_code_taken"


class DepartmentCycle(Refusal):
    """The new parent lies below the department, or is the department itself."""

    code = "people.department_cycle"


class DepartmentInUse(Refusal):
    """Employees work in the department or departments hang below it; move them first."""

    code = "people.department_in_use"


class DepartmentArchived(Refusal):
    """The department is archived; nobody joins it and nothing hangs below it any more."""

    code = "people.department_archived"


class HeadLeft(Refusal):
    """The head named does not work here any more."""

    code = "people.head_left"


def check_parent(*, department_id: UUID, parent_id: UUID, chain: Sequence[UUID]) -> None:
    """Refuse a parent that is the department or is below it; ``chain`` is what the parent is in."""
    if department_id == parent_id or department_id in chain:
        raise DepartmentCycle(department_id=department_id, parent_id=parent_id)


def check_archivable(*, employees: int, children: int) -> None:
    """Refuse to archive a department that is still in use."""
    if employees or children:
        raise DepartmentInUse(employees=employees, children=children)
