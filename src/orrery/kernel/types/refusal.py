"""A business refusal: a class with a code and facts, rendered at the edge as problem+json."""

from collections.abc import Mapping
from typing import Any, ClassVar


class Refusal(Exception):
    """Base of every refusal; subclasses set ``code`` and may raise their HTTP ``status``."""

    code: ClassVar[str] = "kernel.refused"
    status: ClassVar[int] = 409

    def __init__(self, **facts: Any) -> None:
        super().__init__(self.code)
        self.facts: Mapping[str, Any] = facts

    def __str__(self) -> str:
        told = ", ".join(f"{key}={value}" for key, value in self.facts.items())
        return f"{self.code}({told})"


class NotFound(Refusal):
    """The record does not exist, or the caller may not know that it does."""

    code = "kernel.not_found"
    status = 404


class Forbidden(Refusal):
    """The caller lacks the permission; ``explain`` tells why."""

    code = "kernel.forbidden"
    status = 403


class Unauthenticated(Refusal):
    """No credentials, or credentials that are not valid any more."""

    code = "kernel.unauthenticated"
    status = 401


class Malformed(Refusal):
    """The input cannot be read: a wrong type, an unknown field, a broken cursor or file."""

    code = "kernel.malformed"
    status = 422


class Stale(Refusal):
    """The record changed since the version named in If-Match; nothing was written."""

    code = "kernel.stale"
    status = 412


class TooLarge(Refusal):
    """The input is larger than the limit named in the facts."""

    code = "kernel.too_large"
    status = 413


class Unavailable(Refusal):
    """A neighbour or an engine did not answer in time; trying again later may work."""

    code = "kernel.unavailable"
    status = 503
