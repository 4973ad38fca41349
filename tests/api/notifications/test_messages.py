"""The queue over the API: what was sent and what was not, and sending again (NOT-2, NOT-3)."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import httpx2
import pytest

from orrery.contracts.invoicing import InvoicePaid
from orrery.kernel import settings
from orrery.kernel.testing import House
from orrery.kernel.types.ids import new_id
from orrery.kernel.types.permission import Scope
from orrery.services.notifications.settings import Settings

MESSAGES = "/api/v1/notifications/messages"
OPERATOR: dict[str, Scope] = {"notifications.*": "all"}


@pytest.fixture(autouse=True)
def mail_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Mails of these tests become files, in a folder that can be spoilt."""
    folder = tmp_path / "mail"
    monkeypatch.setitem(settings._known, Settings, Settings(mail_folder=folder))
    return folder


@pytest.fixture(scope="module")
async def company(house: House) -> str:
    """A tenant of this file's own."""
    return await house.new_tenant()


@pytest.fixture
async def tenant(house: House, company: str) -> str:
    """A tenant without any messages yet, so that counts are exact."""
    async with house.tx("notifications", tenant=company, commits=True) as tx:
        await tx.run("delete from message")
    return company


async def pay(house: House, tenant: str, *addresses: str) -> list[UUID]:
    """Let invoices be paid by customers of these addresses; answers the invoices."""
    ids = [new_id() for _ in addresses]
    async with house.tx("invoicing", tenant=tenant, commits=True) as tx:
        for id, address in zip(ids, addresses, strict=True):
            amounts = (Decimal(100), Decimal(19), Decimal(119))
            tx.announce(
                InvoicePaid(id, "I1", new_id(), "Buyer", address, date(2026, 7, 1), "EUR", *amounts)
            )
    await house.settle()
    return ids


def spoil(folder: Path) -> None:
    """Put a file where the mail folder should be; what was in it is put aside."""
    if folder.exists():
        folder.rename(folder.with_name("put-aside"))
    folder.write_text("in the way")


def mend(folder: Path) -> None:
    """Take the file away again."""
    folder.unlink()


async def listed(client: httpx2.AsyncClient, **filters: str) -> list[tuple[str, str]]:
    """Recipients and states of a filtered list, newest first."""
    answer = await client.get(MESSAGES, params=filters)
    assert answer.status_code == 200, answer.text
    return [(item["recipient"], item["state"]) for item in answer.json()["items"]]


async def test_operators_see_every_message_its_state_and_its_content(
    house: House, tenant: str
) -> None:
    """NOT-2: status shown to IT operations."""
    (invoice_id, _) = await pay(house, tenant, "good@customer.example", "not an address")
    async with house.client(OPERATOR, tenant=tenant) as client:
        assert await listed(client) == [
            ("not an address", "dead"),
            ("good@customer.example", "sent"),
        ]
        assert await listed(client, state="dead") == [("not an address", "dead")]
        assert await listed(client, recipient="good@customer.example") == [
            ("good@customer.example", "sent")
        ]
        assert await listed(client, q="good") == [("good@customer.example", "sent")]
        found = (await client.get(MESSAGES, params={"about_id": str(invoice_id)})).json()["items"]
        one = (await client.get(f"{MESSAGES}/{found[0]['id']}")).json()
        assert one["kind"] == "receipt"
        assert one["facts"]["number"] == "I1"
        assert "Total paid: €119.00" in one["body"]
        assert one["verbs"] == []
        assert (await client.get(f"{MESSAGES}/counts")).json() == {
            "queued": 0,
            "sending": 0,
            "sent": 1,
            "failed": 0,
            "dead": 1,
        }
        timeline = (await client.get(f"{MESSAGES}/{found[0]['id']}/timeline")).json()["items"]
        states = [entry["changes"]["state"] for entry in timeline if "state" in entry["changes"]]
        assert states == [["sending", "sent"], ["queued", "sending"], [None, "queued"]]


async def test_a_failed_message_is_sent_again_one_by_one(
    house: House, tenant: str, mail_folder: Path
) -> None:
    """NOT-3: failed sends retryable one by one."""
    spoil(mail_folder)
    await pay(house, tenant, "retry@customer.example")
    async with house.client(OPERATOR, tenant=tenant) as client:
        (item,) = (await client.get(MESSAGES, params={"state": "failed"})).json()["items"]
        assert item["error"].startswith("mail folder")
        assert (await client.get(f"{MESSAGES}/{item['id']}")).json()["verbs"] == ["retry"]
        mend(mail_folder)
        queued = await client.post(f"{MESSAGES}/{item['id']}/retry")
        assert (queued.status_code, queued.json()["state"]) == (200, "queued")
        await house.settle()
        assert await listed(client) == [("retry@customer.example", "sent")]
        assert len(list((mail_folder / tenant).glob("*.eml"))) == 1
        refused = await client.post(f"{MESSAGES}/{item['id']}/retry")
        assert (refused.status_code, refused.json()["code"]) == (409, "kernel.wrong_state")
        await house.settle()
        assert await listed(client) == [("retry@customer.example", "sent")]


async def test_failed_and_dead_messages_are_sent_again_in_bulk(
    house: House, tenant: str, mail_folder: Path
) -> None:
    """NOT-3: failed sends retryable in bulk, narrowed by filters; what was sent is not."""
    await pay(house, tenant, "before@customer.example")
    spoil(mail_folder)
    await pay(house, tenant, *(f"bulk{n}@customer.example" for n in range(5)), "nonsense")
    async with house.client(OPERATOR, tenant=tenant) as client:
        mend(mail_folder)
        none = await client.post(f"{MESSAGES}/retry", json={"kind": "reminder"})
        assert none.json() == {"retried": 0, "is_complete": True}
        tomorrow = {"created_from": "2999-01-01"}
        assert (await client.post(f"{MESSAGES}/retry", json=tomorrow)).json()["retried"] == 0
        (one, *_) = (await client.get(MESSAGES, params={"state": "failed"})).json()["items"]
        by_id = await client.post(f"{MESSAGES}/retry", json={"ids": [one["id"]]})
        assert by_id.json()["retried"] == 1
        rest = await client.post(f"{MESSAGES}/retry", json={"kind": "receipt", "channel": "email"})
        assert rest.json() == {"retried": 5, "is_complete": True}
        await house.settle()
        states = dict(await listed(client))
        assert states.pop("nonsense") == "dead"
        assert set(states.values()) == {"sent"}
        assert len(list((mail_folder / tenant).glob("*.eml"))) == 5


async def test_a_retry_that_is_only_tried_out_changes_nothing(house: House, tenant: str) -> None:
    """dry_run shows what would follow and rolls back."""
    await pay(house, tenant, "nonsense")
    async with house.client(OPERATOR, tenant=tenant) as client:
        answer = await client.post(f"{MESSAGES}/retry", params={"dry_run": "true"}, json={})
        assert answer.json()["result"]["retried"] == 1
        assert await listed(client) == [("nonsense", "dead")]


@pytest.mark.parametrize(
    ("grants", "reads", "retries"),
    [
        ({}, 403, 403),
        ({"notifications.message.read": "all"}, 200, 403),
        ({"notifications.message.retry": "all"}, 403, 200),
        ({"*": "all"}, 200, 200),
    ],
)
async def test_the_queue_needs_its_permissions(
    house: House, tenant: str, grants: dict[str, Scope], reads: int, retries: int
) -> None:
    """Every route names its permission."""
    async with house.client(grants, tenant=tenant) as client:
        assert (await client.get(MESSAGES)).status_code == reads
        assert (await client.get(f"{MESSAGES}/counts")).status_code == reads
        assert (await client.post(f"{MESSAGES}/retry", json={})).status_code == retries


async def test_a_tenant_never_sees_anothers_messages(house: House, tenant: str) -> None:
    """Tenant A cannot see B."""
    await pay(house, tenant, "secret@customer.example")
    async with house.client(OPERATOR, tenant="globex") as client:
        items = (await client.get(MESSAGES, params={"recipient": "secret@customer.example"})).json()
        assert items["items"] == []
