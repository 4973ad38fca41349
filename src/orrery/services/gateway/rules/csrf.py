"""Cross-site requests: a cookie alone changes nothing."""

import hashlib
import hmac
from collections.abc import Collection
from urllib.parse import urlsplit

from orrery.kernel.types.refusal import Refusal

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# ``none`` is a request that the person typed or bookmarked.
OWN_SITES = frozenset({"same-origin", "none"})


class CrossSite(Refusal):
    """The request came from another site's page."""

    code = "gateway.cross_site"
    status = 403


class CsrfTokenMissing(Refusal):
    """A change with a cookie session needs the header X-CSRF-Token of that session."""

    code = "gateway.csrf_token_missing"
    status = 403


def token_of(secret: str, session: str) -> str:
    """The token that belongs to a session: HMAC-SHA256 in hexadecimal digits."""
    return hmac.new(secret.encode(), session.encode(), hashlib.sha256).hexdigest()


def check_token(*, secret: str, session: str, sent: str | None) -> None:
    """Refuses: CsrfTokenMissing."""
    expected = token_of(secret, session)
    if sent is None or not hmac.compare_digest(sent.encode(), expected.encode()):
        raise CsrfTokenMissing(header="X-CSRF-Token")


def check_origin(
    *, origin: str | None, site: str | None, host: str, allowed: Collection[str]
) -> None:
    """Refuses: CrossSite. A program sends neither header and has no cookies to abuse."""
    if origin is not None:
        if origin not in allowed and urlsplit(origin).netloc.lower() != host.lower():
            raise CrossSite(origin=origin)
    elif site is not None and site not in OWN_SITES:
        raise CrossSite(site=site)
