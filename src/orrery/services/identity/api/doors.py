"""What the routes share: where a request came from, cookies, and a transaction in two steps."""

import hashlib
import hmac
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from functools import partial
from typing import Annotated, Any

from fastapi import Depends, Request
from starlette.responses import Response

from orrery.kernel.db import Tx
from orrery.kernel.http import SignedIn
from orrery.kernel.settings import Settings as HouseSettings
from orrery.services.identity.actions.sessions import Origin
from orrery.services.identity.settings import Settings

SESSION_COOKIE = "orrery_session"
CSRF_COOKIE = "orrery_csrf"
ADDRESS_LENGTH = 64


async def _origin(request: Request) -> Origin:
    """The caller's address as the gateway passed it on: the last one, which it wrote itself."""
    told = request.headers.get("x-forwarded-for", "").split(",")[-1].strip()
    peer = request.client.host if request.client else None
    return Origin((told or peer or "")[:ADDRESS_LENGTH] or None, request.headers.get("user-agent"))


async def _open_own(
    request: Request, caller: SignedIn
) -> Callable[[], AbstractAsyncContextManager[Tx]]:
    """Transactions of the caller outside the edge.

    For what the edge must not keep: it stores answers under an Idempotency-Key, and a secret that
    is shown once must not lie in the database; or for what has to stand although the request is
    refused.
    """
    host = request.app.state.host
    return partial(host.transaction, caller.tenant, caller)


async def _cookies(request: Request) -> "Cookies":
    return Cookies(request.app.state.host)


class Cookies:
    """The two cookies of a browser's session: one that carries it, one that scripts may read."""

    def __init__(self, host: Any) -> None:
        house: HouseSettings = host.runtime.settings
        self._secret = house.secret_key.get_secret_value().encode()
        self._life = timedelta(days=host.settings_of(Settings).session_absolute_days)
        self._is_secure = house.environment not in ("development", "test")

    def csrf_token(self, session: str) -> str:
        """What unsafe requests must repeat in a header, which another site cannot read."""
        return hmac.new(self._secret, session.encode(), hashlib.sha256).hexdigest()

    def put(self, response: Response, session: str) -> None:
        """Hand the session to the browser."""
        for name, value, is_hidden in (
            (SESSION_COOKIE, session, True),
            (CSRF_COOKIE, self.csrf_token(session), False),
        ):
            response.set_cookie(
                name,
                value,
                max_age=int(self._life.total_seconds()),
                path="/",
                secure=self._is_secure,
                httponly=is_hidden,
                samesite="lax",
            )

    def clear(self, response: Response) -> None:
        """Take the session away from the browser."""
        for name in (SESSION_COOKIE, CSRF_COOKIE):
            response.delete_cookie(name, path="/", secure=self._is_secure, samesite="lax")


FromWhere = Annotated[Origin, Depends(_origin)]
OpenOwn = Annotated[Callable[[], AbstractAsyncContextManager[Tx]], Depends(_open_own)]
WithCookies = Annotated[Cookies, Depends(_cookies)]
