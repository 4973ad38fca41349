"""What a service announces: a frozen, flat, versioned fact in the past tense."""

from dataclasses import dataclass, fields
from typing import ClassVar


@dataclass(frozen=True)
class Event:
    """Base of every event; the first field names the subject, whose events stay in order."""

    name: ClassVar[str]

    @property
    def subject(self) -> str:
        """The record this event is about; events of one subject are delivered in order."""
        return str(getattr(self, fields(self)[0].name))
