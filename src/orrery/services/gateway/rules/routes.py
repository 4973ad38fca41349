"""The route table: what is published can be reached, everything else is refused (GW-1)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Auth = Literal["public", "signed_in", "permission"]
Pace = Literal["normal", "import", "export", "live"]
Meter = Literal["normal", "sign_in"]

# The last word of a path tells how long an answer may take.
ENDLESS: Mapping[str, Pace] = {"export": "export", "live": "live"}
# Guessing passwords or tokens is paced per address (ID-1); these words end such a path.
GUESSABLE = frozenset(
    "sessions tokens refresh password-resets password-reset invitations mfa passkeys".split()
)


@dataclass(frozen=True, eq=False)
class Declared:
    """What a route declares about itself."""

    service: str
    method: str
    template: str
    auth: Auth
    permission: str | None = None
    pace: Pace = "normal"
    meter: Meter = "normal"
    is_idempotent: bool = True


@dataclass(eq=False)
class _Node:
    words: dict[str, "_Node"] = field(default_factory=dict)
    variable: "_Node | None" = None
    rest: "_Node | None" = None
    methods: dict[str, Declared] = field(default_factory=dict)


class RouteTable:
    """Templates by path; a written-out segment goes before a variable one."""

    def __init__(self, routes: Iterable[Declared]) -> None:
        self._root = _Node()
        # Most requests are for a path without variables: those are found at once.
        self._written_out: dict[tuple[str, str], Declared] = {}
        self.routes = list(routes)
        for route in self.routes:
            self._add(route)

    def _add(self, route: Declared) -> None:
        node = self._root
        for segment in route.template.split("/")[1:]:
            if segment.startswith("{") and segment.endswith(":path}"):
                node.rest = node.rest or _Node()
                node = node.rest
                break
            if segment.startswith("{"):
                node.variable = node.variable or _Node()
                node = node.variable
            else:
                node = node.words.setdefault(segment, _Node())
        # The first declaration of a method counts, as it does where the route is served.
        node.methods.setdefault(route.method, route)
        if "{" not in route.template:
            self._written_out.setdefault((route.method, route.template), route)

    def find(self, method: str, path: str) -> Declared | frozenset[str]:
        """The route of a request, or the methods that the path knows: none means no such path."""
        known = self._written_out.get((method, path))
        if known is not None:
            return known
        segments = path.split("/")
        found: list[_Node] = []
        _walk(self._root, segments, 1, found)
        for node in found:
            route = node.methods.get(method)
            if route is not None:
                return route
        return frozenset(name for node in found for name in node.methods)


def _walk(node: _Node, segments: list[str], at: int, found: list[_Node]) -> None:
    if at == len(segments):
        if node.methods:
            found.append(node)
        return
    segment = segments[at]
    word = node.words.get(segment)
    if word is not None:
        _walk(word, segments, at + 1, found)
    if node.variable is not None and segment:
        _walk(node.variable, segments, at + 1, found)
    if node.rest is not None:
        found.append(node.rest)


def pace_of(method: str, template: str) -> Pace:
    """How long a route's answer may take and how much may be sent, from the words of its path."""
    words = template.split("/")
    if method == "POST" and "imports" in words:
        return "import"
    return ENDLESS.get(words[-1], "normal") if method == "GET" else "normal"


def meter_of(method: str, template: str, auth: Auth) -> Meter:
    """Which limit a route falls under: where somebody signs in, an address is counted."""
    is_guess = auth == "public" and method == "POST"
    return "sign_in" if is_guess and GUESSABLE & set(template.split("/")) else "normal"


def extension(route: Declared, *, limits: Mapping[str, Any]) -> dict[str, Any]:
    """What the merged document says about a route beside its shape (GW-1)."""
    return {
        "auth": route.auth,
        "permission": route.permission,
        "rate_limit": limits[route.meter],
        "timeout_seconds": limits["seconds"][route.pace],
        "body_bytes": limits["bytes"][route.pace],
        "idempotent": route.is_idempotent,
    }
