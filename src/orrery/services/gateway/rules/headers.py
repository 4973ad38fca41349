"""Headers at the door: what a client may not say, and what every answer says."""

import re
from collections.abc import Sequence

Header = tuple[bytes, bytes]

REQUEST_ID = re.compile(rb"[A-Za-z0-9_.:-]{1,64}")
# Only the house itself may say these; from outside they are dropped.
INTERNAL = b"x-orrery-"
SESSION_COOKIE = "orrery_session"

NEVER_FRAMED = b"frame-ancestors 'none'"
API_POLICY = b"default-src 'none'; " + NEVER_FRAMED
NO_DEVICES = (
    b"accelerometer=(), camera=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(),"
    b" payment=(), usb=()"
)
YEAR_SECONDS = 31_536_000


def security(*, is_production: bool) -> list[Header]:
    """What every answer says about how a browser may use it."""
    told = [
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
        (b"permissions-policy", NO_DEVICES),
    ]
    if is_production:
        # A development machine speaks plain HTTP, and a browser would not forget this for a year.
        told.append((b"strict-transport-security", b"max-age=%d; includeSubDomains" % YEAR_SECONDS))
    return told


def page_policy(style_hashes: Sequence[str]) -> bytes:
    """The policy of an HTML page without scripts: only its own style, and forms to itself."""
    styles = " ".join(f"'sha256-{digest}'" for digest in style_hashes) or "'none'"
    return (
        f"default-src 'none'; style-src {styles}; form-action 'self'; base-uri 'none'; ".encode()
        + NEVER_FRAMED
    )


def session_of(cookies: str) -> str | None:
    """The session in a Cookie header; the first one counts, as browsers send the nearest first."""
    for part in cookies.split(";"):
        name, equals, value = part.strip().partition("=")
        if equals and name == SESSION_COOKIE and value:
            return value.strip('"')
    return None


def is_valid_request_id(value: bytes) -> bool:
    """Whether a client's correlation id may go into logs and events as it is."""
    return REQUEST_ID.fullmatch(value) is not None
