"""Import of any resource from CSV, XLSX or JSON."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel


@dataclass(frozen=True)
class Import:
    """How rows of a file become records of a resource."""

    draft: type[BaseModel]
    action: Callable[[Any, Any, Any, Any], Awaitable[Any]]
    permission: Any = None


def add_routes(router: Any, resource: Any) -> None:
    """Replaced within minutes."""
