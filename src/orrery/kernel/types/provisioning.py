"""What is known about a new tenant while its schemas are filled."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Provisioning:
    """The order for a new tenant; every service's ``provision`` hook reads what it needs."""

    tenant: str
    title: str
    template: str = "company"
    admin_email: str | None = None
    admin_password: str | None = None
    admin_name: str = "Administrator"
    currency: str = "EUR"
    country: str = "DE"
    time_zone: str = "Europe/Berlin"
    language: str = "en"
