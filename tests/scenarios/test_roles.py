"""TB ERP's role matrix, by people who sign in (sources 4.1, [S])."""

import httpx2
import pytest

from orrery.kernel.runtime import Runtime
from orrery.kernel.settings import Settings, demo_password
from orrery.kernel.testing import ADMIN_PASSWORD
from tests.scenarios.world import World

FULL, READ, OWN, NONE = "full", "read", "own", "none"
# "admin full x3; asset_manager assets full / invoices none / employees read; accountant assets read
# / invoices full / employees read; hr_manager assets read / invoices read / employees full;
# employee own records only"
MATRIX = {
    "admin": (FULL, FULL, FULL),
    "assets": (FULL, NONE, READ),
    "accountant": (READ, FULL, READ),
    "hr": (READ, READ, FULL),
    "employee": (OWN, OWN, OWN),
}
LISTS = ("assets/assets", "invoicing/invoices", "people/employees")
WRITES = (
    ("assets/assets", {"name": "Chair", "cost": "10"}),
    ("invoicing/customers", {"name": "Somebody"}),
    ("people/employees", {"first_name": "New", "last_name": "Person"}),
)


@pytest.fixture(scope="module")
async def demo(world: World) -> str:
    """A tenant with the demo company and its five people."""
    tenant = await world.provision("demo")
    runtime = Runtime(Settings(environment="test"), world.database)
    async with runtime.running():
        await runtime.seed(tenant)

        async def linked() -> bool:
            async with runtime.hosts["identity"].transaction(tenant) as tx:
                return bool(
                    await tx.value(
                        "select 1 from user_account where email = 'employee@demo.example'"
                        " and employee_id is not null"
                    )
                )

        await world.until("people and users are linked", linked)
    return tenant


@pytest.mark.parametrize("who", MATRIX)
async def test_each_role_may_exactly_what_the_matrix_says(
    world: World, demo: str, who: str
) -> None:
    """What the matrix denies is 403; own is a list of own records and 404 for the others."""

    async def sign_in(name: str) -> httpx2.AsyncClient:
        # The first administrator's password came with the order for the tenant.
        password = ADMIN_PASSWORD if name == "admin" else demo_password()
        return await world.person(f"{name}@demo.example", password, tenant=demo)

    person = await sign_in(who)
    admin = await sign_in("admin")
    for right, path, (write_path, body) in zip(MATRIX[who], LISTS, WRITES, strict=True):
        everything = (await admin.get(f"/api/v1/{path}?limit=200")).json()["items"]
        answer = await person.get(f"/api/v1/{path}?limit=200")
        assert answer.status_code == (403 if right == NONE else 200), (who, path)
        if right in (FULL, READ):
            assert len(answer.json()["items"]) == len(everything) > 0
        if right == OWN:
            mine = {item["id"] for item in answer.json()["items"]}
            others = [item for item in everything if item["id"] not in mine]
            assert len(others) > 0
            if path != "invoicing/invoices":
                assert len(mine) > 0, (who, path)
            hidden = await person.get(f"/api/v1/{path}/{others[0]['id']}")
            assert hidden.status_code == 404
            for id in mine:
                assert (await person.get(f"/api/v1/{path}/{id}")).status_code == 200
        written = await person.post(f"/api/v1/{write_path}?dry_run=true", json=body)
        assert (written.status_code == 200) == (right == FULL), (who, path, written.text)
        if right != FULL:
            assert written.status_code == 403
