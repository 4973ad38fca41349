"""The demo company's structure: Meridian Trading in Berlin and its daughter in London."""

from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.kernel.types.ids import demo_id
from orrery.services.organization import models as m
from orrery.services.organization.actions import departments, memberships, profile, units
from orrery.services.organization.rules.memberships import UnitGrant

HEADQUARTERS = demo_id("organization", "unit-hq")
LONDON = demo_id("organization", "unit-ldn")

HEADQUARTERS_PARTICULARS = {
    "legal_name": "Meridian Trading GmbH",
    "street": "Lindenufer 12",
    "postal_code": "10115",
    "city": "Berlin",
    "email": "office@demo.example",
    "phone": "+49 30 5550100",
    "website": "https://demo.example",
    "tax_number": "27/123/45678",
    # Made up, but with sound check digits.
    "vat_number": "DE812345673",
    "iban": "DE89370400440532013000",
    "bank_name": "Demo Bank",
}
LONDON_PARTICULARS = {
    "id": LONDON,
    "code": "LDN",
    "name": "Meridian Trading London",
    "legal_name": "Meridian Trading Ltd",
    "street": "4 Tooley Yard",
    "postal_code": "SE1 2AB",
    "city": "London",
    "country": "GB",
    "email": "london@demo.example",
    "phone": "+44 20 5550 0100",
    "vat_number": "GB 912345645",
    "iban": "GB29NWBK60161331926819",
    "bank_name": "Demo Bank London",
    "currency": "GBP",
    "time_zone": "Europe/London",
    "language": "en-GB",
    "tax_rounding": "line",
}
DEPARTMENTS = {
    "ENG": "Engineering",
    "HR": "Human Resources",
    "FIN": "Finance",
    "OPS": "Operations",
    "SALES": "Sales",
    "IT": "Information Technology",
}
# Demo user, name, units (the first is the default), departments.
MEMBERS = (
    ("admin", "admin@demo.example", (HEADQUARTERS, LONDON), ()),
    ("assets", "assets@demo.example", (HEADQUARTERS, LONDON), ("it",)),
    ("accountant", "accountant@demo.example", (HEADQUARTERS, LONDON), ("fin",)),
    ("hr", "hr@demo.example", (HEADQUARTERS,), ("hr",)),
    ("employee", "employee@demo.example", (HEADQUARTERS,), ("sales",)),
)


async def seed(tx: Tx, caller: Caller) -> None:
    """Fill the demo tenant; a second run changes nothing."""
    await units.change_unit(tx, caller, HEADQUARTERS, HEADQUARTERS_PARTICULARS)
    if await tx.find(m.Unit, id=LONDON) is None:
        await units.create_unit(tx, caller, LONDON_PARTICULARS)
    await profile.change_profile(tx, caller, {"accent_colour": "#1f6f78"})
    for code, title in DEPARTMENTS.items():
        await _keep_department(tx, caller, code, title)
    for word, email, own_units, own_departments in MEMBERS:
        user_id = demo_id("identity", word)
        if await tx.find(m.Membership, user_id=user_id) is None:
            await memberships.introduce_user(tx, user_id, email=email)
            await memberships.assign_membership(
                tx,
                caller,
                user_id,
                units=[UnitGrant(unit) for unit in own_units],
                default_unit_id=own_units[0],
                department_ids=[demo_id("people", f"department-{d}") for d in own_departments],
            )


async def _keep_department(tx: Tx, caller: Caller, code: str, title: str) -> None:
    """The copies that people's events bring, made here already so that members may name them."""
    id = demo_id("people", f"department-{code.lower()}")
    if await tx.find(m.Department, id=id) is None:
        await departments.copy_department(
            tx,
            caller,
            id,
            code=code,
            title=title,
            unit_id=HEADQUARTERS,
            head_employee_id=None,
            is_archived=False,
        )
