"""What lies on the desk of whoever writes documents: each list is read once per transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from orrery.kernel.caller import Caller
from orrery.kernel.db import Tx
from orrery.kernel.types.permission import Permission
from orrery.kernel.types.refusal import NotFound
from orrery.services.invoicing.actions import sellers
from orrery.services.invoicing.queries import billing
from orrery.services.invoicing.rules.pricing import Tax
from orrery.services.invoicing.schemas.invoices import InvoiceDraft
from orrery.services.invoicing.settings import Settings


@dataclass(frozen=True)
class Seller:
    """How documents of a unit are written."""

    unit_id: UUID | None
    currency: str
    language: str
    rounding: str
    payment_term_days: int
    closed_through: date | None
    printed: dict[str, Any]


class Desk:
    """Sellers, taxes, terms and customers, fetched when first asked for."""

    def __init__(self, tx: Tx, caller: Caller) -> None:
        self._tx = tx
        self._caller = caller
        self._sellers: list[Any] | None = None
        self._taxes: dict[str, Tax] | None = None
        self._terms: dict[str, Any] = {}
        self._customers: list[Any] = []
        self._pledged: dict[tuple[UUID, str], Decimal] = {}

    async def know_customers(self, drafts: Sequence[InvoiceDraft]) -> None:
        """Fetch the customers of many drafts in one go."""
        self._customers += await billing.customers(
            self._tx,
            ids={d.customer_id for d in drafts if d.customer_id},
            codes={d.customer_code for d in drafts if d.customer_code},
            external_ids={d.customer_external_id for d in drafts if d.customer_external_id},
        )

    async def customer(self, draft: InvoiceDraft) -> Any:
        """The customer a draft names. Refuses: NotFound."""
        found = self._named(draft)
        if found is None:
            await self.know_customers([draft])
            found = self._named(draft)
        if found is None:
            named = draft.customer_id or draft.customer_code or draft.customer_external_id
            raise NotFound(resource="customer", customer=named)
        return found

    def _named(self, draft: InvoiceDraft) -> Any | None:
        for row in self._customers:
            if draft.customer_id == row.id:
                return row
            if draft.customer_code is not None and draft.customer_code == row.code:
                return row
            if draft.customer_external_id is not None and (
                draft.customer_external_id == row.external_id
            ):
                return row
        return None

    async def unit(self, wanted: UUID | None) -> UUID | None:
        """The unit that writes: the one asked for, the caller's first, or the headquarters."""
        chosen = wanted or next(iter(self._caller.unit_ids), None)
        if chosen is not None:
            return chosen
        rows = await self._all_sellers()
        return next((row.unit_id for row in rows if row.is_default), None)

    async def seller(self, unit_id: UUID | None) -> Seller:
        """How a unit bills. Refuses: NotFound.

        A unit that was not copied yet is asked for once; while organization does not answer, the
        tenant's own defaults stand in.
        """
        rows = await self._all_sellers()
        found = next((row for row in rows if row.unit_id == unit_id), None)
        if found is None and unit_id is not None:
            found = await sellers.copy_unit_if_reachable(self._tx, self._caller, unit_id)
            self._sellers = None
        if found is None:
            found = next((row for row in rows if row.unit_id is None), None)
        return _seller(found, unit_id, self._tx.settings(Settings))

    def pledge(self, customer_id: UUID, currency: str, total: Decimal) -> None:
        """Remember what a customer will owe once this transaction's documents are numbered."""
        self._pledged[customer_id, currency] = self.pledged(customer_id, currency) + total

    def pledged(self, customer_id: UUID, currency: str) -> Decimal:
        """What was pledged so far."""
        return self._pledged.get((customer_id, currency), Decimal(0))

    async def _all_sellers(self) -> list[Any]:
        if self._sellers is None:
            self._sellers = await billing.sellers(self._tx)
        return self._sellers

    async def taxes(self) -> dict[str, Tax]:
        """The tax codes in use."""
        if self._taxes is None:
            self._taxes = await billing.taxes(self._tx)
        return self._taxes

    async def term(self, code: str) -> Any:
        """A payment term. Refuses: NotFound."""
        if code not in self._terms:
            self._terms[code] = await billing.payment_term(self._tx, code)
        return self._terms[code]


def check_unit(caller: Caller, permission: Permission, unit_id: UUID | None) -> None:
    """Whether the caller may write for this unit; a stranger's unit is not found."""
    if caller.scope(permission) == "unit" and unit_id not in caller.unit_ids:
        raise NotFound(resource="unit", id=unit_id)


def _seller(row: Any | None, unit_id: UUID | None, settings: Settings) -> Seller:
    if row is None:
        return Seller(
            unit_id=unit_id,
            currency=settings.currency,
            language=settings.language,
            rounding="line",
            payment_term_days=settings.payment_term_days,
            closed_through=None,
            printed={},
        )
    return Seller(
        unit_id=unit_id,
        currency=row.currency,
        language=row.language,
        rounding=row.rounding,
        payment_term_days=row.payment_term_days,
        closed_through=row.closed_through,
        printed=printed_seller(row),
    )


def printed_seller(row: Any) -> dict[str, Any]:
    """What of a seller is printed on a document."""
    names = (
        "code title legal_name address_lines email phone website country vat_number tax_number"
        " iban bank_name"
    ).split()
    return {name: getattr(row, name) for name in names}
