"""Attendance over the API: one's own clock, months, corrections, the night's job."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from orrery.kernel import clock
from orrery.kernel.testing import House
from orrery.kernel.types.permission import Scope
from tests.actions.people.factories import at
from tests.api.people.staff import get, hire, post, refused

OWN: dict[str, Scope] = {"people.*.read": "own", "people.attendance.clock": "own"}


@pytest.fixture(autouse=True)
def _monday() -> None:
    clock.set(at("2026-11-16T09:05:00+01:00"))


@pytest.fixture
async def ann(hr: httpx2.AsyncClient) -> dict[str, Any]:
    return await hire(hr, "Ann")


@pytest.fixture
async def annes(
    house: House, tenant: str, ann: dict[str, Any]
) -> AsyncIterator[httpx2.AsyncClient]:
    async with house.client(OWN, tenant=tenant, employee_id=ann["id"], exp=4_000_000_000) as client:
        yield client


async def settle_days(house: House, tenant: str) -> None:
    host = house.runtime.hosts["people"]
    async with host.transaction(tenant) as tx:
        await host.job("settle_attendance")(tx, tx.caller)


async def test_an_employee_clocks_in_and_out_and_sees_it(annes: httpx2.AsyncClient) -> None:
    before = await get(annes, "/attendance/clock")
    assert (before["is_clocked_in"], before["day"]) == (False, "2026-11-16")
    day = await post(annes, "/attendance/clock-in")
    assert (day["status"], day["first_in_at"]) == ("present", "2026-11-16T08:05:00+00:00")
    assert (await get(annes, "/attendance/clock"))["since"] == "2026-11-16T08:05:00+00:00"
    assert await refused(annes, "POST", "/attendance/clock-in") == (
        409,
        "people.already_clocked_in",
    )
    clock.set(at("2026-11-16T17:35:00+01:00"))
    day = await post(annes, "/attendance/clock-out", status=200)
    assert (day["minutes_worked"], len(day["stays"])) == (510, 1)
    assert await refused(annes, "POST", "/attendance/clock-out") == (409, "people.not_clocked_in")


async def test_a_month_is_listed_by_employee(
    house: House, tenant: str, hr: httpx2.AsyncClient, ann: dict[str, Any]
) -> None:
    """Issue 2 B: GET /attendance/days?employee_id=&month=2026-11, and every day of the month."""
    clock.set(at("2026-11-19T01:00:00+01:00"))
    await settle_days(house, tenant)
    query = f"employee_id={ann['id']}&month=2026-11"
    days = (await get(hr, f"/attendance/days?{query}&sort=day"))["items"]
    assert [(day["day"], day["status"]) for day in days] == [
        ("2026-11-16", "absent"),
        ("2026-11-17", "absent"),
        ("2026-11-18", "absent"),
    ]
    assert (await get(hr, f"/attendance/days?employee_id={ann['id']}&month=2026-10"))["items"] == []
    month = await get(hr, f"/attendance/months/2026-11?employee_id={ann['id']}")
    assert len(month["items"]) == 30
    assert month["days_by_status"]["absent"] == 3
    await get(hr, f"/attendance/months/november?employee_id={ann['id']}", 422)


async def test_a_correction_says_why_and_shows_in_the_summary(
    hr: httpx2.AsyncClient, ann: dict[str, Any]
) -> None:
    body = {"employee_id": ann["id"], "day": "2026-11-16", "status": "leave", "note": "Sick child"}
    day = await post(hr, "/attendance/corrections", body)
    assert (day["status"], day["is_corrected"], day["note"]) == ("leave", True, "Sick child")
    summary = await get(hr, "/attendance/summary?on=2026-11-16")
    assert (summary["employees"], summary["days_by_status"]["leave"]) == (1, 1)
    timeline = (await get(hr, f"/attendance/days/{day['id']}/timeline"))["items"]
    assert timeline[-1]["verb"] == "insert"


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, (409, "people.nothing_to_correct")),
        ({"status": "ill"}, (422, "kernel.malformed")),
        (
            {
                "stays": [
                    {
                        "clocked_in_at": "2026-11-16T09:00:00",
                        "clocked_out_at": "2026-11-16T10:00:00",
                    }
                ]
            },
            (422, "kernel.malformed"),
        ),
        (
            {
                "stays": [
                    {
                        "clocked_in_at": "2026-11-16T08:00:00+01:00",
                        "clocked_out_at": "2026-11-16T07:00:00+01:00",
                    }
                ]
            },
            (409, "people.clocks_overlap"),
        ),
        ({"day": "2020-01-01", "status": "leave"}, (409, "people.not_employed")),
    ],
)
async def test_a_senseless_correction_changes_nothing(
    hr: httpx2.AsyncClient, ann: dict[str, Any], more: dict[str, Any], expected: tuple[int, str]
) -> None:
    body = {"employee_id": ann["id"], "day": "2026-11-16", "note": "x"} | more
    assert await refused(hr, "POST", "/attendance/corrections", body) == expected
    assert (await get(hr, "/attendance/days"))["items"] == []


async def test_an_employee_sees_only_the_own_days(
    house: House,
    tenant: str,
    hr: httpx2.AsyncClient,
    annes: httpx2.AsyncClient,
    ann: dict[str, Any],
) -> None:
    ben = await hire(hr, "Ben")
    clock.set(at("2026-11-17T01:00:00+01:00"))
    await settle_days(house, tenant)
    assert len((await get(hr, "/attendance/days"))["items"]) == 2
    mine = (await get(annes, "/attendance/days"))["items"]
    assert [day["employee_id"] for day in mine] == [ann["id"]]
    assert (await get(annes, "/attendance/months/2026-11"))["employee_id"] == ann["id"]
    await get(annes, f"/attendance/months/2026-11?employee_id={ben['id']}", 404)
    assert (await get(annes, "/attendance/summary?on=2026-11-16"))["employees"] == 1
    others = [d for d in (await get(hr, "/attendance/days"))["items"] if d not in mine]
    await get(annes, f"/attendance/days/{others[0]['id']}", 404)
    body = {"employee_id": ann["id"], "day": "2026-11-16", "status": "present", "note": "x"}
    assert await refused(annes, "POST", "/attendance/corrections", body) == (
        403,
        "kernel.forbidden",
    )


async def test_an_account_without_employee_has_no_clock(house: House, tenant: str) -> None:
    async with house.client(OWN, tenant=tenant) as client:
        for verb, path in (("GET", "clock"), ("POST", "clock-in"), ("GET", "months/2026-11")):
            assert await refused(client, verb, f"/attendance/{path}") == (
                409,
                "people.no_employee_record",
            )


async def test_a_company_has_one_schedule_and_a_department_one_of_its_own(
    hr: httpx2.AsyncClient,
) -> None:
    hours = {"starts_at": "07:00", "ends_at": "15:00", "name": "Early"}
    second = await refused(hr, "POST", "/work-schedules", hours | {"code": "B"})
    assert second == (409, "people.schedule_taken")
    (ops,) = (await get(hr, "/departments?code=OPS"))["items"]
    made = await post(hr, "/work-schedules", hours | {"code": "C", "department_id": ops["id"]})
    assert (made["weekdays"], made["grace_minutes"]) == ([1, 2, 3, 4, 5], 0)
    assert len((await get(hr, "/work-schedules"))["items"]) == 2


async def test_a_day_is_a_holiday_once(hr: httpx2.AsyncClient) -> None:
    await post(hr, "/holidays", {"code": "X", "name": "Christmas", "day": "2026-12-25"})
    again = {"code": "Y", "name": "Christmas", "day": "2026-12-25"}
    assert await refused(hr, "POST", "/holidays", again) == (409, "people.holiday_taken")
    assert [day["code"] for day in (await get(hr, "/holidays"))["items"]] == ["X"]
