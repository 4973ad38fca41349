"""One request at the door, its headers read once."""

from ipaddress import IPv4Network, IPv6Network, ip_address
from os import urandom
from typing import Any

from orrery.services.gateway.neighbours.forwarding import Scope, Send
from orrery.services.gateway.rules import headers as rules
from orrery.services.gateway.rules.headers import Header

Network = IPv4Network | IPv6Network

# Read by the door and not passed on: credentials are replaced, and who the client is, we say.
TAKEN = frozenset(
    b"authorization cookie x-request-id x-csrf-token x-forwarded-for x-forwarded-host"
    b" x-forwarded-proto forwarded x-real-ip origin sec-fetch-site host content-length"
    b" transfer-encoding user-agent expect".split()
)
# Of those, the ones that services read too.
PASSED = frozenset(b"host content-length transfer-encoding user-agent origin".split())


class Exchange:
    """A request, and what has been answered to it so far."""

    __slots__ = (
        "address",
        "always",
        "answer_bytes",
        "extra",
        "is_complete",
        "kept",
        "length",
        "method",
        "path",
        "principal",
        "request_id",
        "route",
        "scope",
        "send",
        "size",
        "started",
        "status",
        "taken",
    )

    def __init__(self, scope: Scope, send: Send, started: int) -> None:
        self.scope = scope
        self.send = send
        self.started = started
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.status = 0
        self.answer_bytes = 0
        self.is_complete = False
        self.route: Any = None
        self.principal: Any = None
        self.address = "-"
        # Headers that the answer gets beside the service's own: about quotas, about origins.
        self.extra: list[Header] = []
        self.always: list[Header] = []
        self._read(scope["headers"])

    def _read(self, sent: list[Header]) -> None:
        kept: list[Header] = []
        taken: dict[bytes, bytes] = {}
        size = 0
        for header in sent:
            name, value = header
            size += len(name) + len(value)
            if name in TAKEN:
                if name == b"cookie" and name in taken:
                    taken[name] += b"; " + value
                elif name not in taken:
                    taken[name] = value
                    if name in PASSED:
                        kept.append(header)
            elif name[:9] != rules.INTERNAL:
                kept.append(header)
        self.kept, self.taken, self.size = kept, taken, size
        length = taken.get(b"content-length")
        # -1 is a body whose length the client does not know yet.
        is_counted = length is not None and length.isdigit()
        self.length = int(length or 0) if is_counted else -1 if b"transfer-encoding" in taken else 0
        wished = taken.get(b"x-request-id")
        if wished is None or not rules.is_valid_request_id(wished):
            wished = urandom(16).hex().encode()
        self.request_id = wished

    def told(self, name: bytes) -> str | None:
        """A header that the door reads, as text."""
        value = self.taken.get(name)
        return value.decode("latin-1") if value is not None else None

    def header(self, name: bytes) -> str | None:
        """A header that is passed on, as text."""
        found = (value for known, value in self.kept if known == name)
        value = next(found, None)
        return value.decode("latin-1") if value is not None else None

    def find_address(self, trusted: list[Network]) -> str:
        """The client's address: the last hop that is not one of our own load balancers."""
        client = self.scope.get("client")
        address = client[0] if client else "-"
        if trusted and _is_in(address, trusted):
            for hop in reversed((self.told(b"x-forwarded-for") or "").split(",")):
                if not hop.strip():
                    break
                address = hop.strip()
                if not _is_in(address, trusted):
                    break
        self.address = address
        return address

    def inward(self, authorization: bytes | None, *, keeps_cookie: bool) -> Scope:
        """The request as the service gets it."""
        headers = [
            *self.kept,
            (b"x-request-id", self.request_id),
            (b"x-forwarded-for", self.address.encode("latin-1")),
        ]
        if authorization is not None:
            headers.append((b"authorization", authorization))
        if keeps_cookie and b"cookie" in self.taken:
            headers.append((b"cookie", self.taken[b"cookie"]))
        # HEAD asks for what GET answers; the server that answers the client leaves the body out.
        method = "GET" if self.method == "HEAD" else self.method
        return {**self.scope, "method": method, "headers": headers}


def _is_in(address: str, networks: list[Network]) -> bool:
    try:
        place = ip_address(address)
    except ValueError:
        return False
    return any(place in network for network in networks)
