"""Invoicing over the API: every verb, every actor, the same answer twice."""

from datetime import date
from typing import Any

import pytest

from orrery.kernel.testing import House
from orrery.kernel.types.ids import new_id
from tests.actions.invoicing.factories import stop_the_clock
from tests.api.invoicing.office import BASE, customer, got, invoice, posted


async def test_an_invoice_from_draft_to_paid(house: House) -> None:
    """draft -> issued -> partly_paid -> paid, with the verbs that each state offers."""
    async with house.client({"*": "all"}) as client:
        buyer = await customer(client, email="a@b.example")
        draft = await invoice(client, buyer["id"], issue=False)
        assert draft["verbs"] == ["change", "issue"]
        lines = {"lines": [{"description": "Tea", "unit_price": "9.99", "tax_codes": ["DE19"]}]}
        changed = await client.put(f"{BASE}/invoices/{draft['id']}/lines", json=lines)
        assert changed.json()["total"] == "11.89"
        patched = await client.patch(
            f"{BASE}/invoices/{draft['id']}", json={"reference": "PO 7", "notes": "Thank you"}
        )
        assert (patched.json()["reference"], patched.json()["total"]) == ("PO 7", "11.89")
        issued = await posted(client, f"/invoices/{draft['id']}/issue", 200)
        assert issued["verbs"] == ["credit", "pay", "send", "void", "write_off"]
        verbs = await got(client, f"/invoices/{draft['id']}/verbs")
        assert verbs == {"state": "issued", "verbs": issued["verbs"]}
        sent = await posted(client, f"/invoices/{draft['id']}/send", 200, message="Hello")
        assert sent["sent_to"] == "a@b.example"
        part = await posted(client, f"/invoices/{draft['id']}/payments", amount="1.89")
        assert (part["state"], part["amount_open"]) == ("partly_paid", "10.00")
        note = await posted(
            client, f"/invoices/{draft['id']}/credit-notes", reason="Broken", amount="4.00"
        )
        assert (note["invoice_number"], note["total"]) == (issued["number"], "4.00")
        paid = await posted(client, f"/invoices/{draft['id']}/payments")
        assert (paid["state"], paid["verbs"]) == ("paid", ["send"])
        assert sorted(s["amount"] for s in paid["settlements"]) == ["1.89", "4.00", "6.00"]
        refused = await client.post(f"{BASE}/invoices/{draft['id']}/void", json={"reason": "x"})
        assert (refused.status_code, refused.json()["code"]) == (409, "kernel.wrong_state")
        listed = await got(client, "/credit-notes", invoice_id=draft["id"])
        assert [item["id"] for item in listed["items"]] == [note["id"]]
        timeline = await got(client, f"/invoices/{draft['id']}/timeline")
        assert timeline["items"][0]["changes"]["state"] == ["partly_paid", "paid"]


async def test_the_same_key_books_a_payment_once(house: House) -> None:
    """Idempotency-Key: the same answer twice, one payment."""
    async with house.client({"*": "all"}) as client:
        buyer = await customer(client)
        bill = await invoice(client, buyer["id"])
        key = {"Idempotency-Key": str(new_id())}
        body = {"amount": "40.00", "applications": [{"invoice_id": bill["id"]}]}
        answers = [await client.post(f"{BASE}/payments", json=body, headers=key) for _ in range(2)]
        assert [a.status_code for a in answers] == [201, 201]
        assert answers[0].json() == answers[1].json()
        assert (await got(client, f"/invoices/{bill['id']}"))["amount_paid"] == "40.00"


async def test_a_payment_of_a_known_external_id_is_refused(house: House) -> None:
    async with house.client({"*": "all"}) as client:
        buyer = await customer(client)
        bill = await invoice(client, buyer["id"])
        external = str(new_id())
        body: dict[str, Any] = {"amount": "40.00", "external_id": external}
        await posted(client, f"/invoices/{bill['id']}/payments", **body)
        again = await client.post(f"{BASE}/invoices/{bill['id']}/payments", json=body)
        assert (again.status_code, again.json()["code"]) == (409, "invoicing.payment_known")
        assert (await got(client, f"/invoices/{bill['id']}"))["amount_paid"] == "40.00"


async def test_a_dry_run_shows_what_would_follow_and_changes_nothing(house: House) -> None:
    async with house.client({"*": "all"}, tenant=await house.new_tenant()) as client:
        buyer = await customer(client)
        body = {
            "customer_id": buyer["id"],
            "lines": [{"description": "Chai", "unit_price": "18"}],
            "issue": True,
        }
        answer = await client.post(f"{BASE}/invoices?dry_run=true", json=body)
        told = answer.json()
        assert told["result"]["total"] == "18.00"
        assert [e["type"] for e in told["events"]] == ["invoicing.invoice_issued.v1"]
        assert told["numbers"] == [told["result"]["number"]]
        assert (await got(client, "/invoices", total="true"))["total"] == 0
        assert (await invoice(client, buyer["id"]))["number"] == told["result"]["number"]


async def test_a_stale_change_is_refused(house: House) -> None:
    """If-Match with an old version is 412 and nothing changes; the ETag is the invoice's own."""
    async with house.client({"*": "all"}) as client:
        buyer = await customer(client)
        draft = await invoice(client, buyer["id"], issue=False)
        path = f"{BASE}/invoices/{draft['id']}"
        first = await client.patch(path, json={"notes": "one"}, headers={"If-Match": '"1"'})
        assert (first.status_code, first.headers["etag"]) == (200, '"2"')
        stale = await client.patch(path, json={"notes": "two"}, headers={"If-Match": '"1"'})
        assert (stale.status_code, stale.json()["code"]) == (412, "kernel.stale")
        assert (await client.get(path)).json()["notes"] == "one"
        dated = await client.post(
            f"{path}/issue", json={"document_date": "2026-01-02"}, headers={"If-Match": '"2"'}
        )
        assert dated.status_code == 200, dated.text
        assert dated.headers["etag"] == f'"{dated.json()["version"]}"'


async def test_the_etag_of_a_payment_is_its_own(house: House) -> None:
    """A payment's verbs change invoices too; the answer names the payment's version."""
    async with house.client({"*": "all"}) as client:
        buyer = await customer(client)
        bill = await invoice(client, buyer["id"])
        credit = await posted(client, "/payments", customer_id=buyer["id"], amount="10.00")
        body = {"applications": [{"invoice_id": bill["id"]}]}
        answer = await client.post(
            f"{BASE}/payments/{credit['id']}/apply", json=body, headers={"If-Match": '"1"'}
        )
        assert answer.status_code == 200, answer.text
        assert answer.headers["etag"] == '"2"'
        assert answer.json()["version"] == 2


@pytest.mark.parametrize(
    "path, body",
    [
        ("/customers", {"name": ""}),
        ("/customers", {"name": "A", "surprise": 1}),
        ("/customers", {"name": "A", "payment_term_days": -1}),
        ("/invoices", {"lines": []}),
        ("/invoices", {"customer_code": "CUS-00001", "lines": [{"description": "x"}]}),
        ("/invoices", {"customer_code": "C", "lines": [
            {"description": "x", "unit_price": "1.0000001"}]}),
        ("/invoices", {"customer_code": "C", "lines": [
            {"description": "x", "unit_price": "1", "quantity": "0"}]}),
        ("/invoices", {"customer_code": "C", "lines": [
            {"description": "x", "unit_price": "1", "discount_percent": "100.5"}]}),
        ("/invoices", {"customer_code": "C", "lines": [
            {"description": "x", "unit_price": "1", "tax_codes": ["DE19", "DE19"]}]}),
        ("/payments", {"amount": "0"}),
        ("/payments", {"amount": "-1"}),
        ("/payments", {"amount": "10.00", "method": "barter"}),
        ("/invoices/batch", {"documents": []}),
    ],
)  # fmt: skip
async def test_malformed_input_is_422(house: House, path: str, body: dict[str, Any]) -> None:
    async with house.client({"*": "all"}) as client:
        answer = await client.post(f"{BASE}{path}", json=body)
        assert answer.status_code == 422, answer.text


@pytest.mark.parametrize(
    "body, code",
    [
        ({"vat_number": "DE136695977", "country": "DE"}, "invoicing.vat_number_invalid"),
        ({"iban": "DE89370400440532013001"}, "invoicing.iban_invalid"),
        ({"country": "Atlantis"}, "invoicing.country_unknown"),
        ({"currency": "ABC"}, "invoicing.currency_unknown"),
    ],
)
async def test_a_customer_s_numbers_are_checked(
    house: House, body: dict[str, str], code: str
) -> None:
    async with house.client({"*": "all"}) as client:
        answer = await client.post(f"{BASE}/customers", json={"name": "Wrong"} | body)
        assert (answer.status_code, answer.json()["code"]) == (409, code)
        assert (await got(client, "/customers", q="Wrong"))["items"] == []


async def test_a_customer_is_entered_found_changed_and_archived(house: House) -> None:
    async with house.client({"*": "all"}) as client:
        external = str(new_id())
        made = await customer(
            client, name="Bistrot des Halles", country="France", vat_number="FR 26 495 205 213",
            iban="FR14 2004 1010 0505 0001 3M02 606", address_lines=["1 rue de la Paix"],
            city="Lyon", external_id=external,
        )  # fmt: skip
        assert (made["country"], made["vat_number"], made["iban"]) == (
            "FR",
            "FR26495205213",
            "FR1420041010050500013M02606",
        )
        assert made["code"].startswith("CUS-")
        twice = await client.post(
            f"{BASE}/customers", json={"name": "Again", "external_id": external}
        )
        assert twice.json()["code"] == "invoicing.customer_known"
        path = f"{BASE}/customers/{made['id']}"
        changed = await client.patch(path, json={"phone": "+33 1", "iban": None})
        assert (changed.json()["phone"], changed.json()["iban"]) == ("+33 1", None)
        # The number was France's; it is checked again when the country changes.
        moved = await client.patch(path, json={"country": "DE"})
        assert moved.json()["vat_number"] == "FR26495205213"
        archived = await client.post(f"{path}/archive")
        assert archived.json()["is_archived"] is True
        refused = await client.post(
            f"{BASE}/invoices",
            json={
                "customer_id": made["id"],
                "lines": [{"description": "x", "unit_price": "1"}],
            },
        )
        assert refused.json()["code"] == "invoicing.customer_archived"
        assert (await client.post(f"{path}/restore")).json()["is_archived"] is False
        found = await got(client, "/customers", external_id=external)
        assert [item["id"] for item in found["items"]] == [made["id"]]


# TB ERP's matrix: admin full, accountant full, hr_manager read, employee own, asset_manager none.
ADMIN = {"*": "all"}
ACCOUNTANT = {"assets.*.read": "all", "invoicing.*": "all", "people.*.read": "all"}
HR = {"assets.*.read": "all", "invoicing.*.read": "all", "people.*": "all"}
EMPLOYEE = {"invoicing.*.read": "own"}
ASSETS = {"assets.*": "all", "people.*.read": "all"}


@pytest.mark.parametrize("role", ["admin", "accountant"])
async def test_who_may_all_may_all(house: House, role: str) -> None:
    grants: Any = {"admin": ADMIN, "accountant": ACCOUNTANT}[role]
    async with house.client(grants) as client:
        buyer = await customer(client)
        bill = await invoice(client, buyer["id"])
        await posted(client, f"/invoices/{bill['id']}/payments")
        assert (await got(client, f"/invoices/{bill['id']}"))["state"] == "paid"


READS = [
    "/customers", "/invoices", "/payments", "/credit-notes", "/dunning-runs", "/sellers",
    "/tax-codes", "/payment-terms", "/dunning-levels", "/figures",
    "/reports/receivables-ageing", "/reports/revenue",
    "/reports/taxes?date_from=2026-01-01&date_to=2026-12-31",
]  # fmt: skip
SOMEBODY = "01970000-0000-7000-8000-000000000000"
WRITES: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/customers", {"name": "A"}),
    ("PATCH", f"/customers/{SOMEBODY}", {"name": "A"}),
    ("POST", f"/customers/{SOMEBODY}/archive", {}),
    ("POST", f"/customers/{SOMEBODY}/restore", {}),
    ("POST", "/invoices", {"customer_code": "C"}),
    ("POST", "/invoices/batch", {"documents": [{"customer_code": "C"}]}),
    ("PATCH", f"/invoices/{SOMEBODY}", {}),
    ("PUT", f"/invoices/{SOMEBODY}/lines", {"lines": []}),
    ("DELETE", f"/invoices/{SOMEBODY}", {}),
    ("POST", f"/invoices/{SOMEBODY}/issue", {}),
    ("POST", f"/invoices/{SOMEBODY}/send", {}),
    ("POST", f"/invoices/{SOMEBODY}/void", {"reason": "x"}),
    ("POST", f"/invoices/{SOMEBODY}/write-off", {"reason": "x"}),
    ("POST", f"/invoices/{SOMEBODY}/payments", {}),
    ("POST", f"/invoices/{SOMEBODY}/credit-notes", {"reason": "x"}),
    ("POST", "/payments", {"amount": "1"}),
    ("POST", "/payments/batch", {"payments": [{"amount": "1"}]}),
    ("POST", f"/payments/{SOMEBODY}/apply", {"applications": [{"invoice_id": SOMEBODY}]}),
    ("POST", f"/payments/{SOMEBODY}/unapply", {"invoice_id": SOMEBODY, "reason": "x"}),
    ("POST", f"/payments/{SOMEBODY}/reverse", {"reason": "x"}),
    ("POST", "/dunning-runs", {}),
    ("POST", f"/sellers/{SOMEBODY}/close", {"through": "2026-01-01"}),
    ("POST", "/tax-codes", {"code": "X", "name": "X", "rate": "1"}),
]


@pytest.mark.parametrize("path", READS)
async def test_who_may_read_reads_and_who_may_not_is_403(house: House, path: str) -> None:
    for grants, status in ((HR, 200), (EMPLOYEE, 200), (ASSETS, 403)):
        async with house.client(grants) as client:  # type: ignore[arg-type] # scopes as words
            assert (await client.get(f"{BASE}{path}")).status_code == status, path


@pytest.mark.parametrize("method, path, body", WRITES)
async def test_who_may_only_read_writes_nothing(
    house: House, method: str, path: str, body: dict[str, Any]
) -> None:
    for grants in (HR, EMPLOYEE, ASSETS):
        async with house.client(grants) as client:  # type: ignore[arg-type] # scopes as words
            answer = await client.request(method, f"{BASE}{path}", json=body)
            assert answer.status_code == 403, (path, answer.text)
            assert answer.json()["code"] == "kernel.forbidden"


@pytest.mark.parametrize("method, path, body", [w for w in WRITES if SOMEBODY in w[1]])
async def test_what_does_not_exist_is_404(
    house: House, method: str, path: str, body: dict[str, Any]
) -> None:
    async with house.client(ADMIN) as client:  # type: ignore[arg-type] # scopes as words
        answer = await client.request(method, f"{BASE}{path}", json=body)
        assert answer.status_code == 404, (path, answer.text)


async def test_an_employee_sees_own_invoices_only(house: House) -> None:
    """own = created by the caller, or sold by the caller; 404 for the others."""
    me, user = new_id(), new_id()
    async with house.client(ADMIN) as client:  # type: ignore[arg-type] # scopes as words
        buyer = await customer(client)
        sold = await invoice(client, buyer["id"], salesperson_id=str(me))
        other = await invoice(client, buyer["id"])
    async with house.client(ACCOUNTANT, user_id=user) as client:  # type: ignore[arg-type] # words
        made = await invoice(client, buyer["id"])
    async with house.client(EMPLOYEE, employee_id=me, user_id=user) as client:  # type: ignore[arg-type] # words
        listed = await got(client, "/invoices")
        assert {item["id"] for item in listed["items"]} == {sold["id"], made["id"]}
        for path in ("", "/pdf", "/verbs", "/timeline"):
            hidden = await client.get(f"{BASE}/invoices/{other['id']}{path}")
            assert hidden.status_code == 404, path
            shown = await client.get(f"{BASE}/invoices/{sold['id']}{path}")
            assert shown.status_code == 200, path
        ageing = await got(client, "/reports/receivables-ageing")
        assert ageing["totals"][0]["total"] == "200.00"


async def test_a_unit_s_clerk_sees_and_bills_for_that_unit_only(house: House) -> None:
    """Scope unit: the list, the record, the verbs and new documents."""
    tenant = await house.new_tenant()
    mine, theirs = new_id(), new_id()
    async with house.tx("invoicing", tenant=tenant, commits=True) as tx:
        from orrery.services.invoicing.models.parties import Seller
        from orrery.services.invoicing.seed import SELLER

        for number, unit in enumerate((mine, theirs)):
            more = {"unit_id": unit, "code": f"U{number}", "is_default": False}
            await tx.add(Seller, **(SELLER | more))
    async with house.client(ADMIN, tenant=tenant) as client:  # type: ignore[arg-type] # words
        buyer = await customer(client)
        ours = await invoice(client, buyer["id"], unit_id=str(mine))
        hidden = await invoice(client, buyer["id"], unit_id=str(theirs))
    clerk: Any = {"invoicing.*": "unit"}
    async with house.client(clerk, tenant=tenant, unit_ids=[str(mine)]) as client:
        listed = await got(client, "/invoices")
        assert [item["id"] for item in listed["items"]] == [ours["id"]]
        assert (await client.get(f"{BASE}/invoices/{hidden['id']}")).status_code == 404
        refused = await client.post(f"{BASE}/invoices/{hidden['id']}/payments", json={})
        assert refused.status_code == 404
        body = {"amount": "10", "applications": [{"invoice_id": hidden["id"]}]}
        assert (await client.post(f"{BASE}/payments", json=body)).status_code == 404
        # Without a unit in the draft it is the clerk's own one.
        assert (await invoice(client, buyer["id"]))["unit_id"] == str(mine)
        draft = {"customer_id": buyer["id"], "unit_id": str(theirs)}
        assert (await client.post(f"{BASE}/invoices", json=draft)).status_code == 404
        figures = await got(client, "/figures")
        assert figures["by_state"] == {"issued": 2}
    async with house.client(ADMIN, tenant=tenant) as client:  # type: ignore[arg-type] # words
        assert (await got(client, f"/invoices/{hidden['id']}"))["amount_paid"] == "0.00"


async def test_reminders_are_shown_before_they_are_sent(house: House) -> None:
    """POST /dunning-runs with dry_run and result; then it announces InvoiceReminded."""
    stop_the_clock(date(2026, 6, 15))
    tenant = await house.new_tenant()
    async with house.client(ADMIN, tenant=tenant) as client:  # type: ignore[arg-type] # words
        buyer = await customer(client, email="a@b.example")
        late = await invoice(client, buyer["id"], document_date="2026-05-01", due_on="2026-06-08")
        rehearsal = await client.post(f"{BASE}/dunning-runs?dry_run=true", json={})
        told = rehearsal.json()
        assert [(x["number"], x["level"]) for x in told["result"]["letters"]] == [
            (late["number"], 1)
        ]
        assert (await got(client, f"/invoices/{late['id']}"))["dunning_level"] == 0
        run = await posted(client, "/dunning-runs")
        assert (run["reminders"], run["left_out"]) == (1, [])
        shown = await got(client, f"/dunning-runs/{run['id']}")
        assert shown["letters"] == run["letters"]
        reminded = await got(client, f"/invoices/{late['id']}")
        assert (reminded["dunning_level"], reminded["state"]) == (1, "overdue")


async def test_books_are_closed_over_the_api(house: House) -> None:
    stop_the_clock(date(2026, 6, 15))
    tenant = await house.new_tenant()
    async with house.client(ADMIN, tenant=tenant) as client:  # type: ignore[arg-type] # words
        buyer = await customer(client)
        seller = next(s for s in (await got(client, "/sellers"))["items"] if s["unit_id"] is None)
        path = f"/sellers/{seller['id']}/close"
        shut = await posted(client, path, 200, through="2026-05-31")
        assert shut["closed_through"] == "2026-05-31"
        back = await client.post(f"{BASE}{path}", json={"through": "2026-05-30"})
        assert back.json()["code"] == "invoicing.closed_further"
        refused = await client.post(
            f"{BASE}/invoices",
            json={
                "customer_id": buyer["id"],
                "document_date": "2026-05-31",
                "lines": [{"description": "x", "unit_price": "1"}],
                "issue": True,
            },
        )
        assert refused.json()["code"] == "invoicing.period_closed"
        assert (await got(client, "/invoices"))["items"] == []
