"""What notifications announces: messages delivered or given up."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from orrery.kernel.types.event import Event


@dataclass(frozen=True)
class NotificationSent(Event):
    """A message reached its channel's server or the recipient's inbox."""

    name: ClassVar[str] = "notifications.notification_sent.v1"
    notification_id: UUID
    channel: str
    recipient: str
    template: str


@dataclass(frozen=True)
class NotificationFailed(Event):
    """A message was given up after its last try."""

    name: ClassVar[str] = "notifications.notification_failed.v1"
    notification_id: UUID
    channel: str
    recipient: str
    template: str
    error: str
