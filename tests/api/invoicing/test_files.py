"""Customers and invoices from files, and many documents in one request."""

import csv
import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2
import pytest

from orrery.kernel.testing import House
from tests.api.invoicing.office import BASE, customer, got, invoice, posted


async def imported(house: House, client: httpx2.AsyncClient, path: str, text: str) -> Any:
    """A CSV taken in by the worker."""
    answer = await client.post(
        f"{BASE}{path}/imports?format=csv",
        content=text.encode(),
        headers={"Content-Type": "text/csv"},
    )
    assert answer.status_code == 202, answer.text
    await house.settle()
    return await got(client, f"{path}/imports/{answer.json()['id']}")


def counted(batch: Any) -> tuple[str, int, int, int]:
    return batch["state"], batch["rows_created"], batch["rows_changed"], batch["rows_refused"]


CUSTOMERS = """external_id,name,address_lines,city,country,vat_number,payment_term_days
ALFKI,Alfreds Futterkiste,Obere Str. 57,Berlin,Germany,136695976,30
ANATR,Ana Trujillo,Avda. 2222,México D.F.,Mexico,,14
WRONG,Wrong Number,,,Germany,136695977,
"""


async def test_customers_come_from_a_file_and_the_same_file_changes_nothing(house: House) -> None:
    """Upsert by external id; a wrong VAT number refuses its own row and no other."""
    async with house.client({"*": "all"}, tenant=await house.new_tenant()) as client:
        first = await imported(house, client, "/customers", CUSTOMERS)
        assert counted(first) == ("done", 2, 0, 1)
        listed = (await got(client, "/customers", sort="name"))["items"]
        assert [(c["external_id"], c["country"], c["vat_number"]) for c in listed] == [
            ("ALFKI", "DE", "DE136695976"),
            ("ANATR", "MX", None),
        ]
        assert listed[0]["address_lines"] == ["Obere Str. 57"]
        again = await imported(house, client, "/customers", CUSTOMERS)
        assert counted(again) == ("done", 0, 0, 1)
        moved = CUSTOMERS.replace("Obere Str. 57", "Untere Str. 3")
        assert counted(await imported(house, client, "/customers", moved)) == ("done", 0, 1, 1)
        errors = await got(client, f"/customers/imports/{first['id']}/errors", format="json")
        assert [e["errors"][0]["code"] for e in errors] == ["invoicing.vat_number_invalid"]


async def test_a_file_of_customers_leaves_no_gap_and_is_taken_back_whole(house: House) -> None:
    """INT-3: of two rows for one customer the last wins; after the undo all is as before."""
    async with house.client({"*": "all"}, tenant=await house.new_tenant()) as client:
        before = await customer(client, external_id="ALFKI", name="Alfred", city="Berlin")
        rows = (
            "external_id,name,city,country\nNEW,New,Ulm,DE\nBAD,Bad,,Atlantis\n"
            "ALFKI,Alfreds,Bonn,DE\nNEW,Newer,Ulm,DE\nLAST,Last,,\n"
        )
        batch = await imported(house, client, "/customers", rows)
        assert (counted(batch), batch["events"]) == (("done", 2, 2, 1), 2)
        listed = (await got(client, "/customers", sort="code"))["items"]
        assert [(c["code"], c["name"], c["city"]) for c in listed] == [
            ("CUS-00001", "Alfreds", "Bonn"),
            ("CUS-00002", "Newer", "Ulm"),
            ("CUS-00003", "Last", None),
        ]
        await posted(client, f"/customers/imports/{batch['id']}/undo", 200)
        left = (await got(client, "/customers"))["items"]
        assert [(c["id"], c["name"], c["city"]) for c in left] == [
            (before["id"], "Alfred", "Berlin")
        ]


HEADING = (
    "external_id,customer_external_id,document_date,description,quantity,unit_price,"
    "discount_percent,issue,line_count\n"
)
INVOICES = f"""{HEADING}\
10248,ALFKI,1996-07-04,Queso Cabrales,12,14,0,true,3
10248,ALFKI,1996-07-04,Hokkien Mee,10,9.8,15,true,3
10248,ALFKI,1996-07-04,Mozzarella,5,34.8,0,true,3
10249,ALFKI,1996-07-05,Tofu,9,18.6,5,true,2
10249,ALFKI,1996-07-05,Apples,40,42.4,bad,true,2
10250,NOBODY,1996-07-08,Clam Chowder,10,7.7,0,true,1
10251,ALFKI,1996-07-08,Gravad lax,6,16.8,5,false,
"""


async def test_rows_of_one_external_id_are_the_lines_of_one_invoice(house: House) -> None:
    """Discounts are kept; `issue` issues with the document's own date, and never an invoice of
    which a row was refused."""
    async with house.client({"*": "all"}, tenant=await house.new_tenant()) as client:
        await customer(client, external_id="ALFKI", currency="USD")
        batch = await imported(house, client, "/invoices", INVOICES)
        assert counted(batch) == ("done", 5, 0, 2)
        found = {i["external_id"]: i for i in (await got(client, "/invoices"))["items"]}
        assert set(found) == {"10248", "10249", "10251"}
        whole = found["10248"]
        assert (whole["number"], whole["state"], whole["total"]) == (
            "INV-1996-00001",
            "issued",
            "425.30",
        )
        assert (whole["document_date"], whole["currency"]) == ("1996-07-04", "USD")
        details = await got(client, f"/invoices/{whole['id']}")
        assert [(x["position"], x["amount"]) for x in details["lines"]] == [
            (1, "168.00"),
            (2, "83.30"),
            (3, "174.00"),
        ]
        assert [(found[n]["state"], found[n]["total"]) for n in ("10249", "10251")] == [
            ("draft", "159.03"),
            ("draft", "95.76"),
        ]
        # The mended row completes its document and issues it; what was issued stays as it is.
        mended = "\n".join(
            line.replace("bad", "5")
            for line in INVOICES.splitlines()
            if line.startswith(("external_id", "10248")) or "Apples" in line
        )
        second = await imported(house, client, "/invoices", mended)
        assert counted(second) == ("done", 1, 0, 3)
        issued = {i["external_id"]: i for i in (await got(client, "/invoices"))["items"]}
        assert (issued["10249"]["number"], issued["10249"]["total"]) == (
            "INV-1996-00002",
            "1770.23",
        )
        assert issued["10248"] == whole


async def test_a_file_s_drafts_are_undone_but_issued_invoices_are_not(house: House) -> None:
    async with house.client({"*": "all"}, tenant=await house.new_tenant()) as client:
        await customer(client, external_id="ALFKI")
        rows = INVOICES.splitlines()
        drafts = await imported(house, client, "/invoices", "\n".join([rows[0], rows[-1]]))
        await posted(client, f"/invoices/imports/{drafts['id']}/undo", 200)
        assert (await got(client, "/invoices"))["items"] == []
        issued = await imported(house, client, "/invoices", "\n".join(rows[:4]))
        refused = await client.post(f"{BASE}/invoices/imports/{issued['id']}/undo")
        assert refused.status_code == 409, refused.text
        assert [i["state"] for i in (await got(client, "/invoices"))["items"]] == ["issued"]


async def test_documents_come_whole_from_json(house: House) -> None:
    async with house.client({"*": "all"}, tenant=await house.new_tenant()) as client:
        await customer(client, external_id="ALFKI")
        lines = [{"description": "Tofu", "unit_price": "2"}] * 2
        rows = [
            {"external_id": "1", "customer_external_id": "ALFKI", "lines": lines, "issue": True}
        ]
        answer = await client.post(f"{BASE}/invoices/imports?format=json", json=rows)
        assert answer.status_code == 202, answer.text
        await house.settle()
        made = (await got(client, "/invoices"))["items"]
        assert [(i["state"], i["total"]) for i in made] == [("issued", "4.00")]


async def test_a_batch_writes_what_is_right_and_says_what_is_wrong(house: House) -> None:
    """Per-document result, one transaction, a savepoint each; numbers without a gap."""
    async with house.client({"*": "all"}, tenant=await house.new_tenant()) as client:
        await customer(client, external_id="ALFKI", credit_limit="250")
        document = {
            "customer_external_id": "ALFKI",
            "document_date": "1996-07-04",
            "issue": True,
            "lines": [{"description": "Tofu", "unit_price": "100"}],
        }
        documents: list[dict[str, Any]] = [
            document | {"external_id": "1"},
            document | {"external_id": "1"},
            document | {"customer_external_id": "NOBODY"},
            document | {"issue": False},
            document | {"lines": []},
            document | {"external_id": "6"},
            # The third of 100.00 would pass the limit, though nothing has its number yet.
            document | {"external_id": "7"},
        ]
        result = await posted(client, "/invoices/batch", 200, documents=documents)
        assert (result["created"], result["refused"]) == (3, 4)
        assert [
            (i["number"], i["state"], i["refusal"] and i["refusal"]["code"])
            for i in result["items"]
        ] == [
            ("INV-1996-00001", "issued", None),
            (None, None, "invoicing.invoice_known"),
            (None, None, "kernel.not_found"),
            (None, "draft", None),
            (None, None, "invoicing.invoice_empty"),
            ("INV-1996-00002", "issued", None),
            (None, None, "invoicing.credit_limit_exceeded"),
        ]
        assert (await got(client, "/invoices", total="true"))["total"] == 3
        too_many = await client.post(f"{BASE}/invoices/batch", json={"documents": [document] * 101})
        assert too_many.status_code == 422


async def test_a_batch_of_payments_settles_many_invoices(house: House) -> None:
    async with house.client({"*": "all"}, tenant=await house.new_tenant()) as client:
        buyer = await customer(client)
        bills = [await invoice(client, buyer["id"]) for _ in range(3)]
        drafts: list[dict[str, Any]] = [
            {"amount": "100.00", "applications": [{"invoice_id": bill["id"]}]} for bill in bills
        ]
        drafts.insert(1, {"amount": "100.00", "applications": [{"invoice_id": bills[0]["id"]}]})
        result = await posted(client, "/payments/batch", 200, payments=drafts)
        assert (result["recorded"], result["refused"]) == (3, 1)
        assert result["items"][1]["refusal"]["code"] == "kernel.wrong_state"
        assert {(await got(client, f"/invoices/{b['id']}"))["state"] for b in bills} == {"paid"}


@pytest.mark.slow
async def test_northwind_s_orders_come_to_the_data_s_own_totals(
    house: House, shared_data: Path
) -> None:
    """Issue part C: 830 orders with 2,155 lines as invoices dated as in the data, discounts kept;
    totals per year equal the data's own to the cent, each line rounded half-up."""
    folder = shared_data / "northwind"

    def rows(name: str) -> list[dict[str, str]]:
        with (folder / name).open(encoding="utf-8") as file:
            return list(csv.DictReader(file))

    lines: dict[str, list[dict[str, str]]] = {}
    wanted: dict[str, Decimal] = {}
    years = {o["OrderID"]: o["OrderDate"][:4] for o in rows("Orders.csv")}
    for row in rows("Order_Details.csv"):
        discount = Decimal(row["Discount"])
        exact = Decimal(row["Quantity"]) * Decimal(row["UnitPrice"]) * (1 - discount)
        year = years[row["OrderID"]]
        wanted[year] = wanted.get(year, Decimal(0)) + exact.quantize(
            Decimal("0.01"), rounding="ROUND_HALF_UP"
        )
        lines.setdefault(row["OrderID"], []).append(
            {
                "description": f"Product {row['ProductID']}",
                "product_code": row["ProductID"],
                "quantity": row["Quantity"],
                "unit_price": row["UnitPrice"],
                "discount_percent": format(discount * 100, "f"),
            }
        )
    async with house.client({"*": "all"}, tenant=await house.new_tenant()) as client:
        for row in rows("Customers.csv"):
            await customer(
                client, external_id=row["CustomerID"], name=row["CompanyName"],
                country=row["Country"], currency="USD",
            )  # fmt: skip
        documents = [
            {
                "external_id": order["OrderID"],
                "customer_external_id": order["CustomerID"],
                "document_date": order["OrderDate"][:10],
                "issue": True,
                "lines": lines[order["OrderID"]],
            }
            for order in rows("Orders.csv")
        ]
        created = 0
        for start in range(0, len(documents), 100):
            part = documents[start : start + 100]
            created += (await posted(client, "/invoices/batch", 200, documents=part))["created"]
        assert created == 830
        revenue = await got(client, "/reports/revenue", by="year")
        assert {r["period"]: Decimal(r["total_net"]) for r in revenue["items"]} == wanted
        assert sum(int(r["invoices"]) for r in revenue["items"]) == 830


async def test_what_is_listed_is_exported(house: House) -> None:
    async with house.client({"*": "all"}, tenant=await house.new_tenant()) as client:
        buyer = await customer(client)
        bill = await invoice(client, buyer["id"], "12.50")
        answer = await client.get(f"{BASE}/invoices/export?format=csv")
        exported = list(csv.DictReader(io.StringIO(answer.text)))
        assert [(r["number"], r["total"], r["customer_name"]) for r in exported] == [
            (bill["number"], "12.50", "Alfreds Futterkiste")
        ]
