"""Many at once on a real PostgreSQL: nothing is lost, doubled or overdrawn (acceptance B.2)."""

import asyncio
from collections import Counter
from decimal import Decimal
from typing import Any

import httpx2

from orrery.kernel.testing import House
from tests.api.invoicing.office import BASE, customer, got, invoice, posted


def everything(house: House, tenant: str) -> httpx2.AsyncClient:
    return house.client({"*": "all"}, tenant=tenant)


async def test_twenty_parallel_payments_never_exceed_the_invoice(house: House) -> None:
    """Twenty times 10.00 on an invoice over 95.00: nine fit, eleven are refused."""
    tenant = await house.new_tenant()
    async with everything(house, tenant) as client:
        buyer = await customer(client)
        bill = await invoice(client, buyer["id"], "95.00")
        body = {
            "amount": "10.00",
            "applications": [{"invoice_id": bill["id"], "amount": "10.00"}],
        }
        answers = await asyncio.gather(
            *(client.post(f"{BASE}/payments", json=body) for _ in range(20))
        )
        assert Counter(a.status_code for a in answers) == {201: 9, 409: 11}
        assert {a.json()["code"] for a in answers if a.status_code == 409} == {
            "invoicing.applied_beyond_open"
        }
        after = await got(client, f"/invoices/{bill['id']}")
        assert (after["amount_paid"], after["amount_open"], after["state"]) == (
            "90.00",
            "5.00",
            "partly_paid",
        )
        assert len(after["settlements"]) == 9
        paid = await got(client, "/payments", total="true")
        assert paid["total"] == 9


async def test_twenty_parallel_payments_of_all_that_is_open_pay_once(house: House) -> None:
    tenant = await house.new_tenant()
    async with everything(house, tenant) as client:
        buyer = await customer(client)
        bill = await invoice(client, buyer["id"])
        path = f"{BASE}/invoices/{bill['id']}/payments"
        answers = await asyncio.gather(*(client.post(path, json={}) for _ in range(20)))
        assert Counter(a.status_code for a in answers) == {201: 1, 409: 19}
        assert (await got(client, f"/invoices/{bill['id']}"))["amount_paid"] == "100.00"


async def test_parallel_issuers_leave_no_gap_and_no_double(house: House) -> None:
    """FIN-2: N parallel issuers, some of them refused; numbers 1..n, each once."""
    tenant = await house.new_tenant()
    async with everything(house, tenant) as client:
        buyer = await customer(client)
        good = {
            "customer_id": buyer["id"],
            "lines": [{"description": "Chai", "unit_price": "1"}],
            "issue": True,
        }
        bad = good | {"lines": [{"description": "Minus", "unit_price": "1", "quantity": "-1"}]}
        bodies = [bad if n % 4 == 3 else good for n in range(40)]
        answers = await asyncio.gather(
            *(client.post(f"{BASE}/invoices", json=body) for body in bodies)
        )
        assert Counter(a.status_code for a in answers) == {201: 30, 409: 10}
        numbers = sorted(a.json()["number"] for a in answers if a.status_code == 201)
        year = numbers[0][4:8]
        assert numbers == [f"INV-{year}-{n:05}" for n in range(1, 31)]


async def test_one_draft_is_issued_once_by_many(house: House) -> None:
    tenant = await house.new_tenant()
    async with everything(house, tenant) as client:
        buyer = await customer(client)
        draft = await invoice(client, buyer["id"], issue=False)
        path = f"{BASE}/invoices/{draft['id']}/issue"
        answers = await asyncio.gather(*(client.post(path) for _ in range(10)))
        assert Counter(a.status_code for a in answers) == {200: 1, 409: 9}
        following = await invoice(client, buyer["id"])
        assert following["number"].endswith("-00002")


async def test_credit_is_applied_once_however_many_reach_for_it(house: House) -> None:
    """Ten invoices over 30.00 reach for a credit of 100.00: three get all, one the last 10.00."""
    tenant = await house.new_tenant()
    async with everything(house, tenant) as client:
        buyer = await customer(client)
        bills = [await invoice(client, buyer["id"], "30") for _ in range(10)]
        credit = await posted(client, "/payments", customer_id=buyer["id"], amount="100.00")
        path = f"{BASE}/payments/{credit['id']}/apply"
        answers = await asyncio.gather(
            *(
                client.post(path, json={"applications": [{"invoice_id": bill["id"]}]})
                for bill in bills
            )
        )
        assert Counter(a.status_code for a in answers) == {200: 4, 409: 6}
        after = await got(client, f"/payments/{credit['id']}")
        assert after["amount_unapplied"] == "0.00"
        assert sum(Decimal(a["amount"]) for a in after["applications"]) == Decimal("100.00")


async def test_payments_over_the_same_invoices_in_any_order_do_not_deadlock(house: House) -> None:
    """Locks are taken in id order, so crossing payments wait for each other and all succeed."""
    tenant = await house.new_tenant()
    async with everything(house, tenant) as client:
        buyer = await customer(client)
        ids = [(await invoice(client, buyer["id"]))["id"] for _ in range(6)]

        async def pay(turn: int) -> Any:
            order = ids[turn % 6 :] + ids[: turn % 6]
            if turn % 2:
                order.reverse()
            shares = [{"invoice_id": id, "amount": "5.00"} for id in order]
            return await client.post(
                f"{BASE}/payments", json={"amount": "30.00", "applications": shares}
            )

        answers = await asyncio.gather(*(pay(turn) for turn in range(20)))
        assert Counter(a.status_code for a in answers) == {201: 20}
        for id in ids:
            assert (await got(client, f"/invoices/{id}"))["state"] == "paid"


async def test_two_invoices_at_once_do_not_pass_the_credit_limit(house: House) -> None:
    tenant = await house.new_tenant()
    async with everything(house, tenant) as client:
        buyer = await customer(client, credit_limit="250.00")
        body = {
            "customer_id": buyer["id"],
            "lines": [{"description": "Chai", "unit_price": "100"}],
            "issue": True,
        }
        answers = await asyncio.gather(
            *(client.post(f"{BASE}/invoices", json=body) for _ in range(8))
        )
        assert Counter(a.status_code for a in answers) == {201: 2, 409: 6}
        details = await got(client, f"/customers/{buyer['id']}")
        assert details["balances"][0]["amount_open"] == "200.00"


async def test_a_payment_and_its_reversal_at_once_end_in_agreement(house: House) -> None:
    tenant = await house.new_tenant()
    async with everything(house, tenant) as client:
        buyer = await customer(client)
        bills = [await invoice(client, buyer["id"], "50") for _ in range(4)]
        credit = await posted(client, "/payments", customer_id=buyer["id"], amount="200.00")
        apply = f"{BASE}/payments/{credit['id']}/apply"
        reverse = f"{BASE}/payments/{credit['id']}/reverse"
        calls = [
            client.post(apply, json={"applications": [{"invoice_id": bill["id"]}]})
            for bill in bills
        ]
        calls.insert(2, client.post(reverse, json={"reason": "Returned"}))
        answers = await asyncio.gather(*calls)
        assert {a.status_code for a in answers} <= {200, 409}
        after = await got(client, f"/payments/{credit['id']}")
        assert (after["state"], after["amount_unapplied"]) == ("reversed", "0.00")
        assert sum(Decimal(a["amount"]) for a in after["applications"]) == 0
        for bill in bills:
            assert (await got(client, f"/invoices/{bill['id']}"))["amount_open"] == "50.00"
