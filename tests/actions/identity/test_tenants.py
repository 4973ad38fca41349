"""A new tenant's first administrator, and the logins of the demo company."""

import pytest

from orrery.kernel.settings import demo_password
from orrery.kernel.testing import ADMIN_PASSWORD, House, order
from orrery.kernel.types.ids import demo_id, new_id
from orrery.services.identity import models as m
from orrery.services.identity import seed
from orrery.services.identity.queries import accounts
from orrery.services.identity.rules.links import BadEmail
from orrery.services.identity.rules.passwords import WeakPassword
from tests.api.identity.visitors import Visitor, tokens


def fresh_tenant() -> str:
    return f"t{new_id().hex[-12:]}"


async def test_a_new_tenant_has_one_administrator_who_may_sign_in(house: House) -> None:
    tenant = await house.new_tenant(admin_name="Ada First", language="de")
    async with house.tx("identity", tenant=tenant) as tx:
        (user,) = await tx.all(m.User)
        view = await accounts.user_view(tx, user.id)
    assert (view.email, view.full_name, view.language, view.roles) == (
        f"admin@{tenant}.example",
        "Ada First",
        "de",
        ["admin"],
    )
    pair = await tokens(house, Visitor(user.id, user.email, tenant), ADMIN_PASSWORD)
    assert pair["must_change_password"] is False


async def test_a_tenant_without_an_administrator_has_its_roles(house: House) -> None:
    tenant = await house.new_tenant(admin_email=None, admin_password=None)
    async with house.tx("identity", tenant=tenant) as tx:
        assert await tx.all(m.User) == []
        assert len(await tx.all(m.Role)) == 5


@pytest.mark.parametrize(
    ("more", "refusal"),
    [({"admin_password": "password123"}, WeakPassword), ({"admin_email": "nobody"}, BadEmail)],
)
async def test_a_bad_first_administrator_leaves_no_half_made_tenant(
    house: House, more: dict[str, str], refusal: type[Exception]
) -> None:
    """ORG-3, issue 2 B: "leaves nothing half-made when a step fails"."""
    tenant = fresh_tenant()
    with pytest.raises(refusal):
        await house.runtime.provision(order(tenant, **more))
    assert tenant not in {known.code for known in await house.runtime.tenants()}


@pytest.mark.parametrize("first", [None, "admin@demo.example"])
async def test_the_demo_company_has_a_login_for_each_role(house: House, first: str | None) -> None:
    """Issue 2 D: "users admin@demo.example, assets@, accountant@, hr@, employee@demo.example"."""
    password = demo_password() if first else None
    tenant = await house.new_tenant(admin_email=first, admin_password=password)
    for _ in range(2):
        async with house.tx("identity", tenant=tenant, commits=True) as tx:
            await seed.seed(tx, tx.caller)
    async with house.tx("identity", tenant=tenant) as tx:
        views = [await accounts.user_view(tx, user.id) for user in await tx.all(m.User)]
    assert {view.email: view.roles for view in views} == {
        "admin@demo.example": ["admin"],
        "assets@demo.example": ["asset_manager"],
        "accountant@demo.example": ["accountant"],
        "hr@demo.example": ["hr_manager"],
        "employee@demo.example": ["employee"],
    }
    assert {view.id for view in views} == {
        demo_id("identity", word) for word in ("admin", "assets", "accountant", "hr", "employee")
    }
    numbers = {"admin": 1, "assets": 7, "accountant": 5, "hr": 3, "employee": 12}
    if first:
        # Provisioned, not seeded: people's event links him by his address.
        assert numbers.pop("admin") == 1
    linked = {view.email.split("@")[0]: view.employee_id for view in views if view.employee_id}
    assert linked == {
        word: demo_id("people", f"employee-{number}") for word, number in numbers.items()
    }
    for view in views:
        await tokens(house, Visitor(view.id, view.email, tenant), demo_password())
