"""Lists that need no code: tax codes, payment terms, dunning levels."""

from orrery.kernel.reference import ReferenceTable, reference_routes
from orrery.services.invoicing import permissions as p
from orrery.services.invoicing.models.parties import DunningLevel, PaymentTerm, TaxCode
from orrery.services.invoicing.schemas import parties as s

TAX_CODES = ReferenceTable(
    name="tax_code",
    path="/tax-codes",
    table=TaxCode,
    view=s.TaxCodeView,
    draft=s.TaxCodeDraft,
    may_read=p.TAX_READ,
    may_write=p.TAX_WRITE,
    filters=["country", "rate"],
)
PAYMENT_TERMS = ReferenceTable(
    name="payment_term",
    path="/payment-terms",
    table=PaymentTerm,
    view=s.PaymentTermView,
    draft=s.PaymentTermDraft,
    may_read=p.TAX_READ,
    may_write=p.TAX_WRITE,
    filters=["days"],
)
DUNNING_LEVELS = ReferenceTable(
    name="dunning_level",
    path="/dunning-levels",
    table=DunningLevel,
    view=s.DunningLevelView,
    draft=s.DunningLevelDraft,
    may_read=p.DUNNING_READ,
    may_write=p.TAX_WRITE,
    filters=["level"],
    sorts=["level", "code", "name"],
)

tax_codes = reference_routes(TAX_CODES)
payment_terms = reference_routes(PAYMENT_TERMS)
dunning_levels = reference_routes(DUNNING_LEVELS)
