"""Templates and the sender over the API: versions, languages, preview (NOT-1, NOT-3)."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from orrery.contracts.invoicing import InvoicePaid
from orrery.kernel import settings
from orrery.kernel.testing import House
from orrery.kernel.types.ids import new_id
from orrery.kernel.types.permission import Scope
from orrery.services.notifications.settings import Settings

BASE = "/api/v1/notifications"
RECEIPT = f"{BASE}/templates/receipt/en"
EDITOR: dict[str, Scope] = {"notifications.*": "all"}
OWN = {
    "subject": "Paid: {{ number }}",
    "text": "Thanks, {{ customer_name }}! {{ total | money(currency) }}",
    "html": "<p>Thanks, {{ customer_name }}!</p>",
}


@pytest.fixture(scope="module")
async def tenant(house: House) -> str:
    """A tenant of this file's own."""
    return await house.new_tenant(title="Meridian", language="en")


@pytest.fixture
async def fresh(house: House) -> str:
    """A tenant that never saved a template: versions cannot be taken back."""
    return await house.new_tenant(title="Meridian", language="en")


async def test_defaults_count_until_the_tenant_saves_its_own_version(
    house: House, fresh: str
) -> None:
    """NOT-1: per-event template with versions and languages; the old ones stay readable."""
    async with house.client(EDITOR, tenant=fresh) as client:
        summaries = (await client.get(f"{BASE}/templates")).json()
        assert len(summaries) == 10
        assert {(s["version"], s["is_own"]) for s in summaries} == {(0, False)}
        default = (await client.get(RECEIPT)).json()
        assert default["subject"] == "Receipt for invoice {{ number }}"
        assert "customer_name" in default["names"]
        saved = await client.put(RECEIPT, json=OWN | {"note": "friendlier"})
        assert saved.status_code == 200
        assert (saved.json()["version"], saved.json()["is_own"]) == (1, True)
        assert saved.json()["subject"] == OWN["subject"]
        second = await client.put(RECEIPT, json=OWN | {"subject": "Thank you"})
        assert second.json()["version"] == 2
        german = (await client.get(f"{BASE}/templates/receipt/de")).json()
        assert (german["version"], german["is_own"]) == (0, False)
        back = (await client.post(f"{RECEIPT}/return-to-default")).json()
        assert (back["version"], back["is_own"], back["text"]) == (3, False, default["text"])
        versions = (await client.get(f"{RECEIPT}/versions")).json()
        assert [(v["number"], v["subject"], v["note"]) for v in versions] == [
            (3, None, None),
            (2, "Thank you", None),
            (1, OWN["subject"], "friendlier"),
        ]
        older = (
            await client.get(f"{RECEIPT}/versions", params={"below": "3", "limit": "1"})
        ).json()
        assert [v["number"] for v in older] == [2]


async def test_a_message_is_written_with_the_version_that_counts_when_it_is_sent(
    house: House, fresh: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """NOT-1: what a tenant saves is what its customers read."""
    monkeypatch.setitem(settings._known, Settings, Settings(mail_folder=tmp_path))
    async with house.client(EDITOR, tenant=fresh) as client:
        await client.put(RECEIPT, json=OWN)
        await _pay(house, fresh)
        (item,) = (await client.get(f"{BASE}/messages")).json()["items"]
        assert (item["subject"], item["template_version"]) == ("Paid: I-77", 1)
        one = (await client.get(f"{BASE}/messages/{item['id']}")).json()
        assert one["body"] == "Thanks, Zoë & Sons! €119.00\n"


async def test_a_preview_shows_a_sample_or_a_real_message_before_saving(
    house: House, fresh: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """NOT-3: preview with real record."""
    monkeypatch.setitem(settings._known, Settings, Settings(mail_folder=tmp_path))
    await _pay(house, fresh)
    async with house.client(EDITOR, tenant=fresh) as client:
        sample = (await client.post(f"{RECEIPT}/preview", json={})).json()
        assert sample["subject"] == "Receipt for invoice INV-2026-00017"
        assert "Meridian" in sample["html"]
        (item,) = (await client.get(f"{BASE}/messages")).json()["items"]
        real = await client.post(f"{RECEIPT}/preview", json=OWN | {"message_id": item["id"]})
        assert real.json()["subject"] == "Paid: I-77"
        assert "<p>Thanks, Zoë &amp; Sons!</p>" in real.json()["html"]
        german = f"{BASE}/templates/receipt/de/preview"
        translated = (await client.post(german, json={"message_id": item["id"]})).json()
        assert translated["subject"] == "Zahlungsbestätigung zur Rechnung I-77"
        assert "119,00\xa0€" in translated["text"]
        wrong = f"{BASE}/templates/reminder/en/preview"
        refused = await client.post(wrong, json={"message_id": item["id"]})
        assert (refused.status_code, refused.json()["code"]) == (404, "notifications.unknown_kind")
        missing = await client.post(f"{RECEIPT}/preview", json={"message_id": str(new_id())})
        assert missing.status_code == 404
        assert (await client.get(RECEIPT)).json()["version"] == 0


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"subject": "{{ nummer }}"}, "subject"),
        ({"text": "{% for x in y %}{% endfor %}"}, "text"),
        ({"html": "{{ ''.__class__ }}"}, "html"),
        ({"html": "{{ total | money }}"}, "html"),
    ],
)
async def test_a_broken_template_is_refused_and_not_saved(
    house: House, tenant: str, change: dict[str, str], part: str
) -> None:
    """Templates are proven before they are saved; the answer says where the mistake is."""
    async with house.client(EDITOR, tenant=tenant) as client:
        for path, send in ((RECEIPT, client.put), (f"{RECEIPT}/preview", client.post)):
            refused = await send(path, json=OWN | change)
            assert refused.status_code == 422
            assert refused.json()["code"] == "notifications.template_broken"
            assert refused.json()["facts"]["part"] == part
        versions = (await client.get(f"{RECEIPT}/versions")).json()
        assert change.items() & {(k, v[k]) for v in versions for k in change} == set()


@pytest.mark.parametrize("path", ["birthday/en", "receipt/fr"])
async def test_a_template_that_does_not_exist_is_not_found(
    house: House, tenant: str, path: str
) -> None:
    """An unknown kind or language is 404 for every verb."""
    async with house.client(EDITOR, tenant=tenant) as client:
        where = f"{BASE}/templates/{path}"
        assert (await client.get(where)).status_code == 404
        assert (await client.put(where, json=OWN)).status_code == 404
        assert (await client.post(f"{where}/preview", json={})).status_code == 404
        assert (await client.post(f"{where}/return-to-default")).status_code == 404


async def test_a_new_tenant_writes_in_its_own_name_and_may_change_it(
    house: House, tenant: str
) -> None:
    """Per-tenant sender; an address that is none is refused and nothing changes."""
    wanted: dict[str, Any] = {
        "name": "Meridian\r\nBcc: eve@example.com",
        "address": "Billing@Meridian.example",
        "reply_to": "help@meridian.example",
        "language": "de",
        "time_zone": "America/New_York",
    }
    async with house.client(EDITOR, tenant=tenant) as client:
        first = (await client.get(f"{BASE}/sender")).json()
        assert (first["name"], first["address"], first["language"]) == ("Meridian", None, "en")
        changed = await client.put(f"{BASE}/sender", json=wanted)
        assert changed.json()["name"] == "Meridian Bcc: eve@example.com"
        assert changed.json()["address"] == "billing@meridian.example"
        bad = await client.put(f"{BASE}/sender", json=wanted | {"address": "x@y.example\r\nBcc: z"})
        assert (bad.status_code, bad.json()["code"]) == (422, "notifications.invalid_recipient")
        nowhere = await client.put(f"{BASE}/sender", json=wanted | {"time_zone": "Mars/Phobos"})
        assert nowhere.status_code == 422
        stale = await client.put(f"{BASE}/sender", json=wanted, headers={"If-Match": '"1"'})
        assert stale.status_code == 412
        assert (await client.get(f"{BASE}/sender")).json() == changed.json()


@pytest.mark.parametrize(
    ("grants", "reads", "writes"),
    [
        ({}, 403, 403),
        ({"notifications.*.read": "all"}, 200, 403),
        ({"notifications.template.*": "all"}, 200, 200),
    ],
)
async def test_templates_need_their_permissions(
    house: House, tenant: str, grants: dict[str, Scope], reads: int, writes: int
) -> None:
    """Every route names its permission."""
    async with house.client(grants, tenant=tenant) as client:
        assert (await client.get(f"{BASE}/templates")).status_code == reads
        assert (await client.get(RECEIPT)).status_code == reads
        assert (await client.post(f"{RECEIPT}/preview", json={})).status_code == reads
        assert (await client.put(RECEIPT, json=OWN)).status_code == writes


async def _pay(house: House, tenant: str) -> None:
    amounts = (Decimal(100), Decimal(19), Decimal(119))
    who = ("I-77", new_id(), "Zoë & Sons", "zoe@customer.example", date(2026, 7, 1), "EUR")
    async with house.tx("invoicing", tenant=tenant, commits=True) as tx:
        tx.announce(InvoicePaid(new_id(), *who, *amounts))
    await house.settle()
