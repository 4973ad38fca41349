"""Permissions: the list's filter and the record's check are one rule (ID-7, DESIGN 7)."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as limits
from hypothesis import strategies as st

from orrery.kernel.caller import Caller
from orrery.kernel.resources import Resource
from orrery.kernel.testing import House
from orrery.kernel.types.ids import new_id
from orrery.kernel.types.permission import Permission
from tests.toy.service import THINGS, Thing

PEOPLE = [UUID(int=n) for n in range(1, 4)]
READ = "/api/v1/toy/things"


async def _make_things(house: House, tenant: str) -> list[Any]:
    """Every combination of owner, department and unit, nobody included."""
    drafts: list[dict[str, Any]] = [
        {
            "tag": str(new_id()),
            "cost": 1,
            "specs": {},
            "owner_id": o,
            "department_id": d,
            "unit_id": u,
        }
        for o in (None, *PEOPLE)
        for d in (None, *PEOPLE[:2])
        for u in (None, *PEOPLE[:2])
    ]
    async with house.tx("toy", tenant=tenant, commits=True) as tx:
        return await tx.add_many(Thing, drafts)


def _may_see(row: Any, scope: str, employee: UUID | None, many: list[UUID]) -> bool:
    """The rule once more, in Python and independent of the SQL."""
    if scope == "all":
        return True
    if scope == "own":
        return employee is not None and row.owner_id == employee
    value = row.department_id if scope == "department" else row.unit_id
    return value is not None and value in many


async def _disagreements(house: House, tenant: str, rows: list[Any], **who: Any) -> list[str]:
    """Records on which list, record check and rule do not agree for a caller."""
    scope, employee, many = who["scope"], who["employee"], who["many"]
    client = house.client(
        {"toy.*.read": scope},
        tenant=tenant,
        employee_id=employee,
        department_ids=many,
        unit_ids=many,
    )
    async with client:
        page = (await client.get(f"{READ}?limit=200")).json()
        listed = {item["id"] for item in page["items"]}
        answers = await asyncio.gather(*(client.get(f"{READ}/{row.id}") for row in rows))
    wrong = []
    for row, answer in zip(rows, answers, strict=True):
        told = (
            str(row.id) in listed,
            answer.status_code == 200,
            _may_see(row, scope, employee, many),
        )
        if len(set(told)) != 1:
            wrong.append(f"{row.id}: listed, readable, allowed = {told}")
    return wrong


async def test_the_list_filter_equals_the_record_check(toy_house: House) -> None:
    """ "the list filter and the single-document check agree for every record (property test)"."""
    tenant = await toy_house.new_tenant()
    rows = await _make_things(toy_house, tenant)
    found: list[Any] = []

    @given(
        scope=st.sampled_from(["own", "department", "unit", "all"]),
        employee=st.sampled_from([None, *PEOPLE]),
        many=st.lists(st.sampled_from(PEOPLE), max_size=3, unique=True),
    )
    @limits(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    def collect(scope: str, employee: UUID | None, many: list[UUID]) -> None:
        found.append({"scope": scope, "employee": employee, "many": many})

    collect()
    for who in found:
        assert await _disagreements(toy_house, tenant, rows, **who) == [], who


async def test_a_record_check_of_its_own_is_caught(
    toy_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proof that the test above bites: let single reads skip the scope, and they disagree."""
    tenant = await toy_house.new_tenant()
    rows = await _make_things(toy_house, tenant)
    guarded = Resource.read

    async def unguarded(self: Resource, tx: Any, caller: Caller, id: UUID) -> Any:
        everything = Caller(tenant=caller.tenant, grants={"*": "all"})
        return await guarded(self, tx, everything, id)

    monkeypatch.setattr(Resource, "read", unguarded)
    who = {"scope": "own", "employee": PEOPLE[0], "many": []}
    assert await _disagreements(toy_house, tenant, rows, **who) != []


async def test_what_is_outside_the_scope_is_404_and_what_is_not_granted_403(
    toy_house: House,
) -> None:
    """ "404 before 403": a record out of scope is not there; a verb not granted is forbidden."""
    tenant = await toy_house.new_tenant()
    rows = await _make_things(toy_house, tenant)
    other = next(row for row in rows if row.owner_id == PEOPLE[1])
    mine = next(row for row in rows if row.owner_id == PEOPLE[0])
    grants: Any = {"toy.*.read": "own", "toy.thing.write": "own"}
    async with toy_house.client(grants, tenant=tenant, employee_id=PEOPLE[0]) as client:
        assert (await client.get(f"{READ}/{other.id}")).status_code == 404
        assert (await client.get(f"{READ}/{other.id}/timeline")).status_code == 404
        assert (await client.post(f"{READ}/{other.id}/rename?tag=stolen")).status_code == 404
        assert (await client.post(f"{READ}/{mine.id}/rename?tag=mine")).status_code == 200
    async with toy_house.client({"toy.*.read": "all"}, tenant=tenant) as client:
        assert (await client.post(f"{READ}/{mine.id}/rename?tag=x")).status_code == 403
    async with toy_house.tx("toy", tenant=tenant) as tx:
        assert (await tx.one(Thing, other.id)).tag == other.tag


async def test_an_export_shows_what_the_list_shows_and_no_more(toy_house: House) -> None:
    """The export is bound by the same rule."""
    tenant = await toy_house.new_tenant()
    rows = await _make_things(toy_house, tenant)
    async with toy_house.client(
        {"toy.*.read": "own"}, tenant=tenant, employee_id=PEOPLE[0]
    ) as client:
        told = (await client.get(f"{READ}/export?format=json")).json()
    assert {row["id"] for row in told} == {str(r.id) for r in rows if r.owner_id == PEOPLE[0]}


async def test_explain_names_the_grants_the_scope_and_the_outcome(toy_house: House) -> None:
    """ ""Why denied?" (acceptance B.4): the answer names grants, scope and rule."""
    tenant = await toy_house.new_tenant()
    rows = await _make_things(toy_house, tenant)
    mine = next(row for row in rows if row.owner_id == PEOPLE[0])
    other = next(row for row in rows if row.owner_id == PEOPLE[1])
    async with toy_house.client(
        {"toy.*.read": "own"}, tenant=tenant, employee_id=PEOPLE[0]
    ) as client:
        told = (await client.get(f"{READ}/{mine.id}/explain")).json()
        refused = (await client.get(f"{READ}/{other.id}/explain")).json()
    assert (told["allowed"], told["scope"], told["grants"]) == (True, "own", {"toy.*.read": "own"})
    assert told["rule"] == THINGS.own
    assert refused["allowed"] is False
    async with toy_house.client(
        {"toy.*.read": "own"}, tenant=tenant, employee_id=PEOPLE[0]
    ) as client:
        url = f"{READ}/{mine.id}/explain?permission="
        writing = (await client.get(f"{url}toy.thing.write")).json()
        unknown = await client.get(f"{url}toy.thing.burn")
    assert (writing["allowed"], writing["grants"], writing["scope"]) == (False, {}, None)
    assert (unknown.status_code, unknown.json()["code"]) == (422, "kernel.malformed")


@pytest.mark.parametrize(
    "code, pattern, matches",
    [
        ("assets.asset.read", "*", True),
        ("assets.asset.read", "assets.*", True),
        ("assets.asset.read", "assets.*.read", True),
        ("assets.asset.read", "*.*.read", True),
        ("assets.asset.assign", "assets.*.read", False),
        ("assets.asset.read", "asset.*", False),
        ("assets.asset.read", "assets.asset", False),
        ("assets.asset.read", "assets.asset.reads", False),
        ("assets.asset.read", "", False),
    ],
)
def test_a_pattern_names_codes_by_their_parts(code: str, pattern: str, *, matches: bool) -> None:
    """Roles bundle ``service.resource.verb`` codes by patterns."""
    assert Permission(code, "x").matches(pattern) is matches


def test_the_widest_scope_counts() -> None:
    """A permission granted twice counts with its widest scope; one not granted has none."""
    caller = Caller(tenant="acme", grants={"toy.*.read": "own", "toy.thing.*": "unit"})
    assert caller.scope(Permission("toy.thing.read", "x")) == "unit"
    assert caller.scope(Permission("toy.color.read", "x")) == "own"
    assert caller.scope(Permission("toy.color.write", "x")) is None
