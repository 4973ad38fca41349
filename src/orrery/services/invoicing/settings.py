"""Settings of invoicing (``ORRERY_INVOICING_...``)."""

from pydantic_settings import SettingsConfigDict

from orrery.kernel.settings import ServiceSettings


class Settings(ServiceSettings):
    """What an operator may set."""

    model_config = SettingsConfigDict(env_prefix="ORRERY_INVOICING_", extra="ignore")

    # Series of numbers; each counts per business unit and per year that it names.
    invoice_numbers: str = "INV-{yyyy}-{00000}"
    credit_note_numbers: str = "CN-{yyyy}-{00000}"
    customer_numbers: str = "CUS-{00000}"
    # For units that nothing else is known of.
    currency: str = "EUR"
    language: str = "en"
    payment_term_days: int = 30
