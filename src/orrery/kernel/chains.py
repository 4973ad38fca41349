"""Chains of revisions: one per service for its tenants' schemas, one for its own schema."""

from pathlib import Path
from typing import Literal

from orrery.kernel.service import Service

Chain = Literal["tenant", "platform"]
EMPTY = "base"


def chain_folder(service: Service, chain: Chain) -> Path:
    """Where the revisions of a chain live."""
    return service.folder / "migrations" / chain


def head(service: Service, chain: Chain) -> str:
    """The newest revision of a chain; revisions are numbered, so the names tell."""
    numbers = [path.name.partition("_")[0] for path in chain_folder(service, chain).glob("0*_*.py")]
    return max(numbers, default=EMPTY)
