"""Business units in a real database."""

from typing import Any
from uuid import UUID

import psycopg
import pytest

from orrery.contracts.organization import ProfileChanged, UnitChanged, UnitCreated
from orrery.kernel.db import Tx
from orrery.kernel.testing import House, order
from orrery.kernel.types.refusal import NotFound, Stale
from orrery.services.organization import models as m
from orrery.services.organization import queries
from orrery.services.organization.actions import memberships, profile, provisioning, units
from orrery.services.organization.rules import templates
from orrery.services.organization.rules import units as rules
from orrery.services.organization.rules.memberships import UnitGrant

PARIS: dict[str, Any] = {
    "code": "PAR",
    "name": "Paris",
    "country": "FR",
    "currency": "EUR",
    "time_zone": "Europe/Paris",
    "language": "fr",
    "tax_rounding": "document",
}


async def headquarters(tx: Tx) -> m.Unit:
    found = await tx.all(m.Unit, is_headquarters=True)
    assert len(found) == 1
    return found[0]


async def test_a_provisioned_tenant_has_one_headquarters_and_a_profile(house: House) -> None:
    """ORG-3: tenant create from template."""
    async with house.tx("organization") as tx:
        unit = await headquarters(tx)
        look = await queries.profile(tx)
    assert (unit.code, unit.name, unit.legal_name) == ("HQ", "Acme", "Acme")
    assert (unit.currency, unit.country, unit.time_zone) == ("EUR", "DE", "Europe/Berlin")
    assert (unit.date_format, unit.tax_rounding) == ("yyyy-MM-dd", "line")
    assert (look.title, look.logo_text, look.paper_size) == ("Acme", "Acme", "A4")
    assert look.template == "company"


async def test_the_hospitality_template_makes_a_head_office_and_a_house(house: House) -> None:
    tenant = await house.new_tenant(template="hospitality", title="Seaview", country="US")
    async with house.tx("organization", tenant=tenant) as tx:
        made = sorted(await tx.all(m.Unit), key=lambda unit: unit.code)
        look = await queries.profile(tx)
    assert [(u.code, u.name, u.is_headquarters, u.tax_rounding) for u in made] == [
        ("HOTEL-1", "Seaview Hotel", False, "document"),
        ("HQ", "Seaview Head Office", True, "document"),
    ]
    assert look.paper_size == "Letter"


async def test_an_unknown_template_or_currency_leaves_nothing_behind(house: House) -> None:
    """Issue 2 B: "one flow that leaves nothing half-made when a step fails"."""
    before = await house.runtime.tenants()
    for wrong in ({"template": "circus"}, {"currency": "DEM"}):
        with pytest.raises((templates.UnknownTemplate, rules.UnitUnsound)):
            await house.runtime.provision(order("halfmade", **wrong))
    assert await house.runtime.tenants() == before
    async with house.runtime.database.connection() as connection:
        cursor = await connection.execute(
            "select count(*) from pg_namespace where nspname like 'halfmade%'"
        )
        assert await cursor.fetchone() == (0,)


async def test_the_demo_tenants_units_have_the_ids_that_other_seeds_name(house: House) -> None:
    async with house.tx("organization", tenant=await house.new_tenant()) as tx:
        await tx.run("delete from unit")
        await tx.run("delete from profile")
        await provisioning.provision(tx, tx.caller, order("demo"))
        unit = await headquarters(tx)
        assert unit.id == templates.unit_id("demo", "HQ")
        assert [type(event) for event in tx.events] == [UnitCreated, ProfileChanged]


async def test_a_new_unit_takes_what_was_left_out_from_its_name_and_language(house: House) -> None:
    async with house.tx("organization") as tx:
        unit = await units.create_unit(tx, tx.caller, PARIS)
        assert (unit.legal_name, unit.date_format) == ("Paris", "dd/MM/yyyy")
        assert (unit.decimal_separator, unit.thousands_separator) == (",", "\u202f")
        assert not unit.is_headquarters
        assert tx.events == [
            UnitCreated(
                unit_id=unit.id,
                code="PAR",
                title="Paris",
                currency="EUR",
                time_zone="Europe/Paris",
                legal_name="Paris",
                country="FR",
                language="fr",
                tax_rounding="document",
                is_headquarters=False,
                is_archived=False,
            )
        ]


async def test_identifiers_are_kept_compact_and_a_wrong_one_stops_the_change(house: House) -> None:
    async with house.tx("organization") as tx:
        unit = await headquarters(tx)
        tx.events.clear()
        changed = await units.change_unit(
            tx,
            tx.caller,
            unit.id,
            {"vat_number": "DE 812 345 673", "iban": "DE89 3704 0044 0532 0130 00"},
        )
        assert (changed.vat_number, changed.iban) == ("DE812345673", "DE89370400440532013000")
        assert changed.version == unit.version + 1
        with pytest.raises(rules.UnitUnsound):
            # The number stays, the country goes: together they are wrong.
            await units.change_unit(tx, tx.caller, unit.id, {"country": "FR"})
        assert (await tx.one(m.Unit, unit.id)).country == "DE"
        assert len(tx.events) == 1


async def test_a_change_that_changes_nothing_is_not_announced(house: House) -> None:
    async with house.tx("organization") as tx:
        unit = await headquarters(tx)
        same = await units.change_unit(tx, tx.caller, unit.id, {"name": unit.name})
        assert same.version == unit.version
        assert tx.events == []


async def test_a_stale_change_is_refused(house: House) -> None:
    async with house.tx("organization") as tx:
        unit = await headquarters(tx)
        tx.if_match = unit.version + 1
        with pytest.raises(Stale):
            await units.change_unit(tx, tx.caller, unit.id, {"name": "Other"})
        assert (await tx.one(m.Unit, unit.id)).name == unit.name


async def test_the_books_and_the_headquarters_are_protected(house: House) -> None:
    async with house.tx("organization") as tx:
        unit = await headquarters(tx)
        with pytest.raises(rules.CurrencyFixed):
            await units.change_unit(tx, tx.caller, unit.id, {"currency": "USD"})
        with pytest.raises(rules.HeadquartersNeeded):
            await units.archive_unit(tx, tx.caller, unit.id)
        assert await tx.one(m.Unit, unit.id) == unit
        assert tx.events == []


async def test_naming_another_headquarters_moves_the_title_and_tells_of_both(house: House) -> None:
    async with house.tx("organization") as tx:
        former = await headquarters(tx)
        paris = await units.create_unit(tx, tx.caller, PARIS)
        tx.events.clear()
        await units.make_headquarters(tx, tx.caller, paris.id)
        assert (await headquarters(tx)).id == paris.id
        told = [(e.code, e.is_headquarters) for e in tx.events if isinstance(e, UnitChanged)]
        assert told == [(former.code, False), ("PAR", True)]
        await units.make_headquarters(tx, tx.caller, paris.id)
        assert len(tx.events) == 2


async def test_an_archived_unit_takes_no_change_and_no_title_until_it_is_restored(
    house: House,
) -> None:
    async with house.tx("organization") as tx:
        paris = await units.create_unit(tx, tx.caller, PARIS)
        await units.archive_unit(tx, tx.caller, paris.id)
        for refused in (
            units.change_unit(tx, tx.caller, paris.id, {"name": "Lyon"}),
            units.make_headquarters(tx, tx.caller, paris.id),
            units.archive_unit(tx, tx.caller, paris.id),
        ):
            with pytest.raises(rules.UnitArchived):
                await refused
        restored = await units.restore_unit(tx, tx.caller, paris.id)
        assert (restored.is_archived, restored.name) == (False, "Paris")


async def test_a_unit_that_is_somebodys_default_is_not_archived(house: House) -> None:
    async with house.tx("organization") as tx:
        paris = await units.create_unit(tx, tx.caller, PARIS)
        await memberships.assign_membership(
            tx,
            tx.caller,
            UUID(int=7),
            units=[UnitGrant(paris.id)],
            default_unit_id=None,
            department_ids=[],
        )
        with pytest.raises(rules.UnitInUse) as refusal:
            await units.archive_unit(tx, tx.caller, paris.id)
        assert refusal.value.facts == {"code": "PAR", "members": 1}
        assert not (await tx.one(m.Unit, paris.id)).is_archived


async def test_the_database_itself_keeps_the_headquarters_single(house: House) -> None:
    async with house.tx("organization") as tx:
        paris = await units.create_unit(tx, tx.caller, PARIS)
        with pytest.raises(psycopg.errors.UniqueViolation):
            await tx.change(paris, is_headquarters=True)


async def test_the_look_is_changed_announced_once_and_kept_sound(house: House) -> None:
    async with house.tx("organization") as tx:
        changed = await profile.change_profile(
            tx, tx.caller, {"accent_colour": "#AABBCC", "paper_size": "Letter"}
        )
        assert (changed.accent_colour, changed.paper_size) == ("#aabbcc", "Letter")
        await profile.change_profile(tx, tx.caller, {"accent_colour": "#aabbcc"})
        assert tx.events == [
            ProfileChanged(
                profile_id=changed.id,
                title="Acme",
                logo_text="Acme",
                accent_colour="#aabbcc",
                paper_size="Letter",
            )
        ]


async def test_an_unknown_unit_is_not_found(house: House) -> None:
    async with house.tx("organization") as tx:
        with pytest.raises(NotFound):
            await units.change_unit(tx, tx.caller, UUID(int=1), {"name": "x"})
