"""Files of employees and departments through the API, and back out (INT-3; issue 2 A 10 and C)."""

import csv
import io
from pathlib import Path
from typing import Any

import httpx2
import orjson

from orrery.kernel import clock
from orrery.kernel.testing import House
from tests.api.people.staff import PEOPLE, get, post

# Which column of Northwind's file fills which field; its reporting lines name external ids.
NORTHWIND = {
    "EmployeeID": "external_id",
    "FirstName": "first_name",
    "LastName": "last_name",
    "Title": "job_role",
    "ReportsTo": "manager",
    "HireDate": "hired_on",
    "BirthDate": "birth_date",
    "Address": "street",
    "City": "city",
    "Region": "region",
    "PostalCode": "postal_code",
    "Country": "country",
    "HomePhone": "phone",
    "Notes": "notes",
}


def as_csv(*rows: dict[str, str]) -> bytes:
    """Rows as a file with a heading."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


async def send(
    house: House,
    client: httpx2.AsyncClient,
    resource: str,
    file: bytes,
    mapping: dict[str, str] | None = None,
    **more: str,
) -> dict[str, Any]:
    """Import a file and wait for its end."""
    params = more | ({"mapping": orjson.dumps(mapping).decode()} if mapping else {})
    response = await client.post(f"{PEOPLE}/{resource}/imports", content=file, params=params)
    assert response.status_code == 202, response.text
    await house.settle()
    told: dict[str, Any] = await get(client, f"/{resource}/imports/{response.json()['id']}")
    return told


async def test_northwinds_employees_come_in_and_can_be_taken_back(
    house: House, hr: httpx2.AsyncClient, tenant: str, shared_data: Path
) -> None:
    """Issue 2 C: employees with reporting lines by a mapping file; undo of a whole import."""
    file = (shared_data / "northwind" / "Employees.csv").read_bytes()
    rows = list(csv.DictReader(io.StringIO(file.decode("utf-8-sig"))))
    for title in {row["Title"] for row in rows}:
        await post(hr, "/job-roles", {"code": title, "name": title})
    done = await send(house, hr, "employees", file, NORTHWIND)
    assert (done["rows_created"], done["rows_refused"]) == (9, 0), done
    listed = (await get(hr, "/employees"))["items"]
    names = {item["id"]: item["last_name"] for item in listed}
    theirs = {row["EmployeeID"]: row["LastName"] for row in rows}
    assert {item["last_name"]: names.get(item["manager_id"]) for item in listed} == {
        row["LastName"]: theirs.get(row["ReportsTo"]) for row in rows
    }
    again = await send(house, hr, "employees", file, NORTHWIND)
    assert (again["rows_created"], again["rows_changed"], again["rows_refused"]) == (0, 0, 0)
    assert (await get(hr, "/employees?total=true"))["total"] == 9

    at = clock.now()
    await post(hr, f"/employees/imports/{done['id']}/undo", status=200)
    assert (await get(hr, "/employees"))["items"] == []
    assert (await get(hr, "/changes"))["items"] == []
    async with house.tx("people", tenant=tenant) as tx:
        told = await tx.rows(
            "select name, count(*) from outbox where at >= %(at)s group by 1", at=at
        )
    assert {row.name: row.count for row in told} == {"people.employee_deleted.v1": 9}


async def test_rows_that_are_refused_leave_the_others_alone(
    house: House, hr: httpx2.AsyncClient
) -> None:
    file = as_csv(
        {"code": "A", "first_name": "Ann", "last_name": "Lee", "department": "Sales"},
        {"code": "B", "first_name": "Ben", "last_name": "Lee", "department": "Nowhere"},
        {"code": "C", "first_name": "", "last_name": "Lee", "department": ""},
    )
    done = await send(house, hr, "employees", file)
    assert (done["rows_created"], done["rows_refused"]) == (1, 2), done
    errors = await hr.get(f"{PEOPLE}/employees/imports/{done['id']}/errors")
    told = {row["code"]: row["error code"] for row in csv.DictReader(io.StringIO(errors.text))}
    assert set(told) == {"B", "C"}
    assert told["B"] == "people.unknown_reference"
    (listed,) = (await get(hr, "/employees"))["items"]
    assert (listed["code"], listed["department_name"]) == ("A", "Sales")


async def test_a_dry_run_tells_and_keeps_nothing(house: House, hr: httpx2.AsyncClient) -> None:
    file = as_csv({"code": "A", "first_name": "Ann", "last_name": "Lee"})
    done = await send(house, hr, "employees", file, dry_run="true")
    assert (done["dry_run"], done["rows_created"], done["rows_refused"]) == (True, 1, 0)
    assert (await get(hr, "/employees"))["items"] == []


async def test_what_was_exported_can_be_imported_again(
    house: House, hr: httpx2.AsyncClient
) -> None:
    file = as_csv(
        {"code": "E-2", "first_name": "Ben", "last_name": "Lee", "manager": "E-1"},
        {"code": "E-1", "first_name": "Ann", "last_name": "Lee", "manager": ""},
    )
    await send(house, hr, "employees", file)
    exported = await hr.get(f"{PEOPLE}/employees/export?format=csv")
    assert exported.status_code == 200
    same = ("code", "first_name", "last_name", "email", "phone", "hired_on")
    back = await send(house, hr, "employees", exported.content, {name: name for name in same})
    assert (back["rows_created"], back["rows_changed"], back["rows_refused"]) == (0, 0, 0), back
    ben, ann = (await get(hr, "/employees?sort=-code"))["items"]
    assert ben["manager_id"] == ann["id"]


async def test_departments_come_in_with_their_parents(house: House, hr: httpx2.AsyncClient) -> None:
    file = as_csv(
        {"code": "EU", "name": "Europe", "parent": "SALES"},
        {"code": "DE", "name": "Germany", "parent": "EU"},
        {"code": "XX", "name": "Nowhere", "parent": "NOPE"},
    )
    done = await send(house, hr, "departments", file)
    assert (done["rows_created"], done["rows_refused"]) == (2, 1), done
    (germany,) = (await get(hr, "/departments?code=DE"))["items"]
    assert germany["parent_name"] == "Europe"


async def test_who_may_only_read_imports_nothing(house: House, tenant: str) -> None:
    file = as_csv({"code": "A", "first_name": "Ann", "last_name": "Lee"})
    async with house.client({"people.*.read": "all"}, tenant=tenant) as reader:
        for resource in ("employees", "departments"):
            told = await reader.post(f"{PEOPLE}/{resource}/imports", content=file)
            assert told.status_code == 403
        assert (await get(reader, "/employees"))["items"] == []
