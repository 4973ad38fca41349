"""Employees over the API: each verb, each actor, each refusal (issue 2 B and D)."""

from typing import Any

import httpx2
import pytest

from orrery.kernel import clock
from orrery.kernel.testing import House
from orrery.kernel.types.ids import new_id
from orrery.kernel.types.permission import Scope
from tests.actions.people.factories import at
from tests.api.people.staff import PEOPLE, get, hire, post, refused


@pytest.fixture(autouse=True)
def _noon() -> None:
    clock.set(at("2026-11-20T12:00:00+01:00"))


async def department_id(client: httpx2.AsyncClient, code: str) -> str:
    (found,) = (await get(client, f"/departments?code={code}"))["items"]
    return str(found["id"])


async def test_an_employee_is_hired_read_and_listed(hr: httpx2.AsyncClient) -> None:
    sales = await department_id(hr, "SALES")
    role = await post(hr, "/job-roles", {"code": "SR", "name": "Seller"})
    boss = await hire(hr, "Boss")
    made = await hire(
        hr,
        "Ann",
        email="ann@acme.example",
        department_id=sales,
        job_role_id=role["id"],
        manager_id=boss["id"],
        location="Berlin",
    )
    assert (boss["code"], made["code"]) == ("EMP-001", "EMP-002")
    one = await get(hr, f"/employees/{made['id']}")
    assert one == made
    listed = (await get(hr, "/employees?code=EMP-002"))["items"]
    assert [{key: one[key] for key in listed[0]}] == listed
    assert {
        key: listed[0][key]
        for key in ("full_name", "department_name", "job_role_name", "manager_name", "status")
    } == {
        "full_name": "Ann Lee",
        "department_name": "Sales",
        "job_role_name": "Seller",
        "manager_name": "Boss Lee",
        "status": "active",
    }


async def test_the_view_has_what_others_compose_from(hr: httpx2.AsyncClient) -> None:
    """The fields that the composed views and the web rely on."""
    await hire(hr, "Ann")
    (listed,) = (await get(hr, "/employees"))["items"]
    assert {
        "id", "code", "first_name", "last_name", "full_name", "email", "department_id",
        "department_name", "job_role_name", "manager_id", "location", "photo_id", "status",
        "hired_on", "left_on", "version",
    } <= set(listed)  # fmt: skip


async def test_many_are_read_at_once_also_those_who_left(hr: httpx2.AsyncClient) -> None:
    """Sources 4.1: one batched call GET /employees?ids= for the composer."""
    made = [await hire(hr, name) for name in ("Ann", "Ben", "Cat")]
    await hr.delete(f"{PEOPLE}/employees/{made[1]['id']}")
    ids = ",".join([made[0]["id"], made[1]["id"], str(new_id())])
    found = (await get(hr, f"/employees?ids={ids}"))["items"]
    assert [item["first_name"] for item in found] == ["Ann", "Ben"]


async def test_who_left_is_out_of_the_list_but_not_out_of_the_world(hr: httpx2.AsyncClient) -> None:
    """Soft delete: gone from the default list, there by id and by status=left."""
    ann, ben = await hire(hr, "Ann"), await hire(hr, "Ben")
    gone = (await hr.delete(f"{PEOPLE}/employees/{ann['id']}")).json()
    assert (gone["status"], gone["left_on"], gone["verbs"]) == ("left", "2026-11-20", ["rehire"])
    assert [e["id"] for e in (await get(hr, "/employees"))["items"]] == [ben["id"]]
    assert [e["id"] for e in (await get(hr, "/employees?status=left"))["items"]] == [ann["id"]]
    both = (await get(hr, "/employees?status=left&status=active&total=true"))["total"]
    assert both == 2
    assert (await get(hr, f"/employees/{ann['id']}"))["status"] == "left"
    exported = (await hr.get(f"{PEOPLE}/employees/export?format=json")).json()
    assert [row["id"] for row in exported] == [ben["id"]]


async def test_a_deletion_announces_what_others_need(hr: httpx2.AsyncClient) -> None:
    """Sources 4.1: employee.deleted."""
    ann = await hire(hr, "Ann", email="ann@acme.example")
    dry = await hr.delete(f"{PEOPLE}/employees/{ann['id']}?dry_run=true")
    (event,) = dry.json()["events"]
    assert event["type"] == "people.employee_deleted.v1"
    assert event["data"] == {
        "employee_id": ann["id"],
        "code": "EMP-001",
        "full_name": "Ann Lee",
        "email": "ann@acme.example",
        "left_on": "2026-11-20",
    }
    assert (await get(hr, f"/employees/{ann['id']}"))["status"] == "active"


async def test_a_former_employee_comes_back(hr: httpx2.AsyncClient) -> None:
    ann = await hire(hr, "Ann")
    body = {"left_on": "2026-11-10", "reason": "Moved"}
    left = await post(hr, f"/employees/{ann['id']}/leave", body, 200)
    assert (left["kind"], left["status"], left["note"]) == ("leave", "applied", "Moved")
    path = f"/employees/{ann['id']}/rehire"
    early = await refused(hr, "POST", path, {"hired_on": "2026-11-10"})
    assert early == (409, "people.hired_on_conflict")
    back = await post(hr, path, {"hired_on": "2026-11-11", "location": "Rome"}, 200)
    assert (back["status"], back["code"], back["location"]) == ("active", "EMP-001", "Rome")


async def test_who_was_where_is_asked_by_day(hr: httpx2.AsyncClient) -> None:
    """HR-1: effective-dated record."""
    ann = await hire(hr, "Ann", location="Berlin")
    path = f"/employees/{ann['id']}"
    change = await post(hr, f"{path}/changes", {"effective_on": "2026-06-01", "location": "Rome"})
    assert change["fields"] == {"location": "Rome"}
    for day, place in (("2026-05-31", ["Berlin"]), ("2026-06-01", ["Rome"]), ("2025-12-31", [])):
        positions = (await get(hr, f"{path}/positions?on={day}"))["items"]
        assert [position["location"] for position in positions] == place
    everywhere = (await get(hr, f"{path}/positions"))["items"]
    assert [(p["starts_on"], p["ends_before"], p["location"]) for p in everywhere] == [
        ("2026-06-01", None, "Rome"),
        ("2026-01-05", "2026-06-01", "Berlin"),
    ]


async def test_a_change_to_come_is_scheduled_shown_cancelled_or_applied_by_the_job(
    house: House, hr: httpx2.AsyncClient, tenant: str
) -> None:
    """HR-1: future changes scheduled."""
    ann = await hire(hr, "Ann", location="Berlin")
    path = f"/employees/{ann['id']}"
    body = {"effective_on": "2026-11-21", "location": "Rome"}
    first = await post(hr, f"{path}/changes", body)
    second = await post(hr, f"{path}/changes", body | {"location": "Paris"})
    assert first["status"] == second["status"] == "scheduled"
    assert (await get(hr, path))["changes_scheduled"] == 2
    listed = (await get(hr, "/changes?status=scheduled&effective_on_to=2026-11-21"))["items"]
    assert {item["id"] for item in listed} == {first["id"], second["id"]}
    cancelled = await post(hr, f"/changes/{second['id']}/cancel", None, 200)
    assert cancelled["status"] == "cancelled"
    again = await refused(hr, "POST", f"/changes/{second['id']}/cancel")
    assert again == (409, "kernel.wrong_state")

    await _run_job(house, tenant)
    assert (await get(hr, path))["location"] == "Berlin"
    clock.set(at("2026-11-21T00:05:00+01:00"))
    await _run_job(house, tenant)
    async with house.client({"people.*": "all"}, tenant=tenant) as tomorrow:
        assert (await get(tomorrow, path))["location"] == "Rome"
        steps = (await get(tomorrow, f"{path}/changes"))["items"]
    assert [(s["kind"], s["status"]) for s in steps] == [
        ("change", "cancelled"),
        ("change", "applied"),
        ("hire", "applied"),
    ]


async def _run_job(house: House, tenant: str) -> None:
    host = house.runtime.hosts["people"]
    async with host.transaction(tenant) as tx:
        await host.job("apply_due_changes")(tx, tx.caller)
    await house.settle()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"email": "BEN@acme.example"}, "people.email_taken"),
        ({"code": "EMP-002"}, "people.employee_code_taken"),
        ({"manager_id": "self"}, "people.own_manager"),
        ({"manager_id": "ben"}, "people.reporting_cycle"),
        ({"hired_on": "2026-12-24", "location": "Rome"}, None),
    ],
)
async def test_corrections_are_checked(
    hr: httpx2.AsyncClient, change: dict[str, str], code: str | None
) -> None:
    ann = await hire(hr, "Ann")
    ben = await hire(hr, "Ben", email="ben@acme.example", manager_id=ann["id"])
    named = {"self": ann["id"], "ben": ben["id"]}
    body = {key: named.get(value, value) for key, value in change.items()}
    response = await hr.patch(f"{PEOPLE}/employees/{ann['id']}", json=body)
    if code is None:
        assert response.json()["hired_on"] == "2026-12-24"
        return
    assert (response.status_code, response.json()["code"]) == (409, code)
    assert await get(hr, f"/employees/{ann['id']}") == ann | {"reports": 1}


@pytest.mark.parametrize(
    "body",
    [
        {"first_name": None},
        {"hired_on": None},
        {"first_name": ""},
        {"email": "no address"},
        {"status": "left"},
        {"unknown": 1},
    ],
)
async def test_what_is_malformed_changes_nothing(
    hr: httpx2.AsyncClient, body: dict[str, Any]
) -> None:
    ann = await hire(hr, "Ann")
    assert await refused(hr, "PATCH", f"/employees/{ann['id']}", body) == (
        422,
        "kernel.malformed",
    )
    assert await get(hr, f"/employees/{ann['id']}") == ann


async def test_a_stale_correction_changes_nothing(hr: httpx2.AsyncClient) -> None:
    ann = await hire(hr, "Ann")
    path = f"{PEOPLE}/employees/{ann['id']}"
    fresh = await hr.patch(path, json={"phone": "1"}, headers={"If-Match": '"1"'})
    assert (fresh.status_code, fresh.headers["ETag"]) == (200, '"2"')
    stale = await hr.patch(path, json={"phone": "2"}, headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "kernel.stale")
    assert (await get(hr, f"/employees/{ann['id']}"))["phone"] == "1"


async def test_a_head_does_not_leave(hr: httpx2.AsyncClient) -> None:
    ann = await hire(hr, "Ann")
    it = await department_id(hr, "IT")
    changed = await hr.patch(f"{PEOPLE}/departments/{it}", json={"head_employee_id": ann["id"]})
    assert changed.json()["head_name"] == "Ann Lee"
    assert await refused(hr, "DELETE", f"/employees/{ann['id']}") == (
        409,
        "people.heads_department",
    )
    assert (await get(hr, f"/employees/{ann['id']}"))["status"] == "active"


async def test_the_timeline_says_who_changed_what(hr: httpx2.AsyncClient) -> None:
    """AUD-1: who, when, before and after."""
    ann = await hire(hr, "Ann", phone="1")
    await hr.patch(f"{PEOPLE}/employees/{ann['id']}", json={"phone": "2"})
    newest, first = (await get(hr, f"/employees/{ann['id']}/timeline"))["items"]
    assert (newest["verb"], newest["changes"]) == ("update", {"phone": ["1", "2"]})
    assert first["verb"] == "insert"


async def test_colleagues_see_the_work_and_not_the_home(
    house: House, hr: httpx2.AsyncClient, tenant: str
) -> None:
    """Roles with people.*.read (asset_manager, accountant) look up colleagues, not their homes."""
    ann = await hire(hr, "Ann", street="Elm Road 1", birth_date="1990-02-03", notes="Likes tea")
    assert ann["private"]["street"] == "Elm Road 1"
    readers: tuple[dict[str, Scope], ...] = ({"people.*.read": "all"}, {"people.*.read": "own"})
    async with house.client(readers[0], tenant=tenant) as colleague:
        told = await get(colleague, f"/employees/{ann['id']}")
    assert (told["full_name"], told["private"]) == ("Ann Lee", None)
    async with house.client(readers[1], tenant=tenant, employee_id=ann["id"]) as herself:
        told = await get(herself, f"/employees/{ann['id']}")
    assert told["private"]["birth_date"] == "1990-02-03"
    (listed,) = (await get(hr, "/employees"))["items"]
    assert not {"street", "birth_date", "notes"} & set(listed)


async def test_an_employee_sees_own_records_only(
    house: House, hr: httpx2.AsyncClient, tenant: str
) -> None:
    """Role matrix of TB ERP: employee reads own; a list of own records, 404 for the others."""
    ann, ben = await hire(hr, "Ann"), await hire(hr, "Ben")
    await hr.delete(f"{PEOPLE}/employees/{ben['id']}")
    cat = await hire(hr, "Cat", manager_id=ann["id"])
    own: dict[str, Scope] = {"people.*.read": "own", "people.attendance.clock": "own"}
    async with house.client(own, tenant=tenant, employee_id=ann["id"]) as client:
        assert [e["id"] for e in (await get(client, "/employees"))["items"]] == [ann["id"]]
        for other in (ben, cat):
            for part in ("", "/positions", "/changes", "/timeline"):
                await get(client, f"/employees/{other['id']}{part}", 404)
        assert (await get(client, f"/org-chart?root={ann['id']}"))["people"] == 1
        await get(client, f"/org-chart?root={cat['id']}", 404)
        changes = (await get(client, "/changes"))["items"]
        assert {change["employee_id"] for change in changes} == {ann["id"]}


async def test_a_department_or_unit_scope_opens_those_who_work_there(
    house: House, hr: httpx2.AsyncClient, tenant: str
) -> None:
    sales, unit = await department_id(hr, "SALES"), str(new_id())
    ann = await hire(hr, "Ann", department_id=sales)
    ben = await hire(hr, "Ben", unit_id=unit)
    gone = await hire(hr, "Gone", department_id=sales, unit_id=unit)
    await hr.delete(f"{PEOPLE}/employees/{gone['id']}")
    scopes: tuple[tuple[Any, dict[str, list[str]], str, str], ...] = (
        ("department", {"department_ids": [sales]}, ann["id"], ben["id"]),
        ("unit", {"unit_ids": [unit]}, ben["id"], ann["id"]),
    )
    for scope, claims, seen, unseen in scopes:
        async with house.client({"people.*.read": scope}, tenant=tenant, **claims) as client:
            listed = (await get(client, "/employees?status=active&status=left"))["items"]
            assert [e["id"] for e in listed] == [seen]
            await get(client, f"/employees/{seen}")
            for other in (unseen, gone["id"]):
                await get(client, f"/employees/{other}", 404)


READER: dict[str, Scope] = {"people.*.read": "all"}
WRITES = [
    ("POST", "/employees", {"first_name": "A", "last_name": "B"}),
    ("PATCH", "/employees/{id}", {"phone": "1"}),
    ("DELETE", "/employees/{id}", None),
    ("POST", "/employees/{id}/leave", {}),
    ("POST", "/employees/{id}/rehire", {}),
    ("POST", "/employees/{id}/changes", {"effective_on": "2026-11-20", "location": "X"}),
    ("POST", "/departments", {"code": "X", "name": "X"}),
    ("POST", "/job-roles", {"code": "X", "name": "X"}),
    ("POST", "/attendance/clock-in", None),
    (
        "POST",
        "/attendance/corrections",
        {"employee_id": "{id}", "day": "2026-11-20", "status": "leave", "note": "x"},
    ),
]


@pytest.mark.parametrize(("verb", "path", "body"), WRITES)
async def test_who_may_only_read_changes_nothing(
    house: House, hr: httpx2.AsyncClient, tenant: str, verb: str, path: str, body: Any
) -> None:
    """Role matrix of TB ERP: what it denies is 403."""
    ann = await hire(hr, "Ann")
    if body and "employee_id" in body:
        body = body | {"employee_id": ann["id"]}
    async with house.client(READER, tenant=tenant) as reader:
        told = await refused(reader, verb, path.format(id=ann["id"]), body)
    assert told == (403, "kernel.forbidden")
    assert await get(hr, f"/employees/{ann['id']}") == ann
    assert (await get(hr, "/employees?total=true"))["total"] == 1


async def test_without_any_grant_nothing_is_read(house: House, tenant: str) -> None:
    async with house.client({"assets.*": "all"}, tenant=tenant) as client:
        for path in ("/employees", "/departments", "/org-chart", "/attendance/days", "/changes"):
            await get(client, path, 403)


async def test_another_tenant_has_other_people(house: House, hr: httpx2.AsyncClient) -> None:
    ann = await hire(hr, "Ann")
    async with house.client({"*": "all"}, tenant="globex") as stranger:
        await get(stranger, f"/employees/{ann['id']}", 404)
        assert (await get(stranger, f"/employees?ids={ann['id']}"))["items"] == []


async def test_the_same_key_hires_once(hr: httpx2.AsyncClient) -> None:
    body = {"first_name": "Ann", "last_name": "Lee"}
    answers = [
        await hr.post(f"{PEOPLE}/employees", json=body, headers={"Idempotency-Key": "k-1"})
        for _ in range(2)
    ]
    assert answers[0].json() == answers[1].json()
    assert (await get(hr, "/employees?total=true"))["total"] == 1
