"""Pages of other origins: shut out, except those that an operator named (CORS)."""

from collections.abc import Iterable

from orrery.services.gateway.api.exchange import Exchange

METHODS = b"GET, POST, PUT, PATCH, DELETE"
HEADERS = b"authorization, content-type, idempotency-key, if-match, x-csrf-token, x-request-id"
EXPOSED = b"etag, retry-after, x-request-id, x-ratelimit-limit, x-ratelimit-remaining"
PREFLIGHT_SECONDS = 600


class CrossOrigin:
    """Tells browsers which origins' pages may read the answers."""

    def __init__(self, allowed: Iterable[str]) -> None:
        self._allowed = frozenset(allowed)

    @property
    def is_on(self) -> bool:
        """Whether any origin is allowed."""
        return bool(self._allowed)

    async def answer(self, exchange: Exchange) -> bool:
        """Add what an allowed origin may read; answers a preflight and then says True."""
        origin = exchange.told(b"origin")
        if origin is None:
            return False
        told = [(b"vary", b"Origin")]
        if origin in self._allowed:
            told += [
                (b"access-control-allow-origin", origin.encode("latin-1")),
                (b"access-control-allow-credentials", b"true"),
                (b"access-control-expose-headers", EXPOSED),
            ]
        exchange.always = told
        wished = exchange.header(b"access-control-request-method")
        if exchange.method != "OPTIONS" or wished is None or origin not in self._allowed:
            return False
        await exchange.send(
            {
                "type": "http.response.start",
                "status": 204,
                "headers": [
                    *told,
                    (b"access-control-allow-methods", METHODS),
                    (b"access-control-allow-headers", HEADERS),
                    (b"access-control-max-age", b"%d" % PREFLIGHT_SECONDS),
                    (b"x-request-id", exchange.request_id),
                ],
            }
        )
        exchange.status = 204
        exchange.is_complete = True
        await exchange.send({"type": "http.response.body", "body": b""})
        return True
