"""Permission codes: ``service.resource.verb``, owned by the service they name."""

from dataclasses import dataclass
from typing import Literal

Scope = Literal["all", "unit", "department", "own"]
# From the narrowest to the widest; a role may grant one permission twice, the widest counts.
SCOPES: tuple[Scope, ...] = ("own", "department", "unit", "all")


@dataclass(frozen=True)
class Permission:
    """One thing that a role may allow, with the sentence that administrators read."""

    code: str
    title: str

    def __post_init__(self) -> None:
        if len(self.code.split(".")) != 3:
            raise ValueError(f"{self.code} is not service.resource.verb")

    def matches(self, pattern: str) -> bool:
        """Whether a pattern such as ``assets.*``, ``people.*.read`` or ``*`` names this code."""
        wanted, own = pattern.split("."), self.code.split(".")
        if wanted[-1] == "*" and len(wanted) < len(own):
            wanted += ["*"] * (len(own) - len(wanted))
        return len(wanted) == len(own) and all(
            w in ("*", o) for w, o in zip(wanted, own, strict=True)
        )
