"""The tree of departments stays a tree, and what is in use stays out of the archive."""

from uuid import UUID

import pytest

from orrery.services.people.rules import departments as rules

SALES, EUROPE, BERLIN = (UUID(int=n) for n in (1, 2, 3))


@pytest.mark.parametrize(
    ("parent", "chain", "fits"),
    [(EUROPE, [BERLIN], True), (SALES, [], False), (EUROPE, [BERLIN, SALES], False)],
)
def test_a_department_hangs_neither_below_itself_nor_below_its_own_parts(
    parent: UUID, chain: list[UUID], *, fits: bool
) -> None:
    if fits:
        rules.check_parent(department_id=SALES, parent_id=parent, chain=chain)
    else:
        with pytest.raises(rules.DepartmentCycle):
            rules.check_parent(department_id=SALES, parent_id=parent, chain=chain)


@pytest.mark.parametrize(
    ("employees", "children", "fits"), [(0, 0, True), (1, 0, False), (0, 1, False)]
)
def test_only_an_empty_department_is_archived(employees: int, children: int, *, fits: bool) -> None:
    if fits:
        rules.check_archivable(employees=employees, children=children)
    else:
        with pytest.raises(rules.DepartmentInUse) as refused:
            rules.check_archivable(employees=employees, children=children)
        assert refused.value.facts == {"employees": employees, "children": children}
