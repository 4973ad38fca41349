"""JSON of activity."""

from typing import Any
from uuid import UUID

from orrery.kernel.schemas import Instant, View


class EntryView(View):
    """One thing that happened."""

    id: UUID
    at: Instant
    name: str
    service: str
    subject: str
    summary: str
    user_id: UUID | None
    user_name: str | None
    actor: str | None
    on_behalf_of: str | None
    request_id: str | None
    data: dict[str, Any]
