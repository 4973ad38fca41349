"""Every write of analytics: an event moves its subject's state, and the tallies by as much."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.kernel.types.provisioning import Provisioning
from orrery.services.analytics.models import AssetFact, EmployeeFact, InvoiceFact, Reporting
from orrery.services.analytics.rules.folds import (
    AssetEvent,
    AssetState,
    EmployeeEvent,
    EmployeeState,
    InvoiceEvent,
    InvoiceState,
    asset_after,
    employee_after,
    invoice_after,
)
from orrery.services.analytics.rules.tallies import Move, moves_between, shard_of


async def count_asset(tx: Tx, caller: Caller, event: AssetEvent) -> None:
    """Take in what happened to an asset."""
    row = await _locked(tx, AssetFact, event.asset_id)
    before = AssetState(**_fields(row)) if row else None
    found = asset_after(before, event, _told_on(tx, caller))
    if found is None:
        return
    after, on = found
    await _keep(tx, AssetFact, row, event.asset_id, asdict(after))
    share = before.share if before else {}
    await _move(tx, event.asset_id, moves_between(share, after.share, on))


async def count_invoice(tx: Tx, caller: Caller, event: InvoiceEvent) -> None:
    """Take in what happened to an invoice."""
    row = await _locked(tx, InvoiceFact, event.invoice_id)
    before = InvoiceState(**_fields(row)) if row else None
    after, on = invoice_after(before, event, _told_on(tx, caller))
    await _keep(tx, InvoiceFact, row, event.invoice_id, asdict(after))
    share = before.share if before else {}
    await _move(tx, event.invoice_id, moves_between(share, after.share, on))
    owed = after.open - (before.open if before else Decimal(0))
    if owed and after.due_on:
        await _owe(
            tx, event.invoice_id, due_on=after.due_on, on=on, currency=after.currency, amount=owed
        )


async def count_employee(tx: Tx, caller: Caller, event: EmployeeEvent) -> None:
    """Take in that an employee came or left."""
    row = await _locked(tx, EmployeeFact, event.employee_id)
    before = EmployeeState(**_fields(row)) if row else None
    found = employee_after(before, event)
    if found is None:
        return
    after, on = found
    await _keep(tx, EmployeeFact, row, event.employee_id, asdict(after))
    share = before.share if before else {}
    await _move(tx, event.employee_id, moves_between(share, after.share, on))


async def begin(tx: Tx, caller: Caller, order: Provisioning) -> None:
    """Give a new tenant its own currency."""
    await tx.add(Reporting, currency=order.currency)


def _told_on(tx: Tx, caller: Caller) -> date:
    """The tenant's business day on which the event was announced; the same at every rebuild."""
    return (tx.event_at or caller.now).astimezone(ZoneInfo(caller.time_zone)).date()


async def _locked(tx: Tx, table: type[Any], id: UUID) -> Any | None:
    rows = await tx.lock_many(table, [id])
    return rows[0] if rows else None


def _fields(row: Any) -> dict[str, Any]:
    return {name: value for name, value in row._asdict().items() if name != "id"}


async def _keep(
    tx: Tx, table: type[Any], row: Any | None, id: UUID, values: dict[str, Any]
) -> None:
    if row is None:
        await tx.add(table, id=id, **values)
    elif _fields(row) != values:
        await tx.change(row, **values)


async def _move(tx: Tx, subject: UUID, moves: Sequence[Move]) -> None:
    """Add moves to the tallies. They come sorted, so that two writers never wait in a circle."""
    if not moves:
        return
    values = {
        "facts": [move.key.fact for move in moves],
        "dimensions": [move.key.dimension for move in moves],
        "currencies": [move.key.currency for move in moves],
        "days": [move.on for move in moves],
        "amounts": [move.amount for move in moves],
        "shard": shard_of(subject),
    }
    await tx.run(
        'insert into tally_day (id, fact, dimension, currency, "on", shard, amount)'
        " select md5(concat_ws('|', fact, dimension, currency, day, %(shard)s::int))::uuid,"
        " fact, dimension, currency, day, %(shard)s, amount"
        " from unnest(%(facts)s::text[], %(dimensions)s::text[], %(currencies)s::text[],"
        " %(days)s::date[], %(amounts)s::numeric[]) as m (fact, dimension, currency, day, amount)"
        " on conflict (id) do update set amount = tally_day.amount + excluded.amount",
        **values,
    )
    await tx.run(
        "insert into tally (id, fact, dimension, currency, shard, amount, moves)"
        " select md5(concat_ws('|', fact, dimension, currency, %(shard)s::int))::uuid,"
        " fact, dimension, currency, %(shard)s, amount, 1"
        " from unnest(%(facts)s::text[], %(dimensions)s::text[], %(currencies)s::text[],"
        " %(amounts)s::numeric[]) as m (fact, dimension, currency, amount)"
        " on conflict (id) do update set amount = tally.amount + excluded.amount,"
        " moves = tally.moves + 1",
        **values,
    )


async def _owe(
    tx: Tx, subject: UUID, *, due_on: date, on: date, currency: str, amount: Decimal
) -> None:
    await tx.run(
        'insert into receivable_day (id, due_on, currency, "on", shard, amount)'
        " values (md5(concat_ws('|', %(due_on)s::date, %(currency)s::text, %(on)s::date,"
        " %(shard)s::int))::uuid, %(due_on)s, %(currency)s, %(on)s, %(shard)s, %(amount)s)"
        " on conflict (id) do update set amount = receivable_day.amount + excluded.amount",
        due_on=due_on,
        on=on,
        currency=currency,
        amount=amount,
        shard=shard_of(subject),
    )
