"""One tenant for all tests of people's API, emptied before each: a new tenant takes longer."""

from collections.abc import AsyncIterator

import httpx2
import pytest

from orrery.kernel.testing import House

# From the leaves of the foreign keys to their roots; what a tenant is provisioned with stays.
EMPTY = (
    "delete from attendance_clock",
    "delete from attendance_day",
    "delete from employee_change",
    "delete from employee_position",
    "delete from employee",
    "delete from job_role",
    "delete from holiday",
    "delete from work_schedule where code <> 'OFFICE'",
    "delete from department where code not in ('ENG', 'HR', 'FIN', 'OPS', 'SALES', 'IT')",
    "update department set head_employee_id = null where head_employee_id is not null",
    "delete from number_series",
)


@pytest.fixture(scope="session")
async def company(house: House) -> str:
    return await house.new_tenant()


@pytest.fixture
async def tenant(house: House, company: str) -> str:
    async with house.tx("people", tenant=company, commits=True) as tx:
        for statement in EMPTY:
            await tx.run(statement)
    return company


@pytest.fixture
async def hr(house: House, tenant: str) -> AsyncIterator[httpx2.AsyncClient]:
    # Tests set the clock; a token that never ends lets them.
    async with house.client({"people.*": "all"}, tenant=tenant, exp=4_000_000_000) as client:
        yield client
