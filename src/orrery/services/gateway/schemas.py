"""What the gateway itself answers."""

from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from orrery.kernel.schemas import View


class Owner(View):
    """The employee who holds an asset."""

    id: UUID
    code: str
    full_name: str
    email: str | None
    department_id: UUID | None
    department_name: str | None


class AssetOwner(View):
    """What the composed view adds to an asset."""

    owner: Owner | None = Field(description="Null when nobody holds it, or people is missing.")


class NeighbourState(View):
    """What the gateway knows of a service."""

    state: Literal["up", "down", "unknown"]
    breaker: Literal["closed", "open", "half_open"]


class Readiness(View):
    """Whether requests can be served."""

    status: Literal["ready", "degraded", "unready"]
    database: str
    services: dict[str, NeighbourState]


class Liveness(View):
    """Whether the process runs."""

    status: Literal["live"]


class Problem(View):
    """A refusal (RFC 9457): its code says what, its facts say with which values."""

    type: str
    title: str
    status: int
    code: str
    facts: dict[str, Any]
    request_id: str
