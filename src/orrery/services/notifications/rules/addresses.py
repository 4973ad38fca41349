"""Addresses and header texts: what may go into a mail's envelope and headers."""

import re
import unicodedata

from orrery.kernel.types.refusal import Malformed

ADDRESS_LIMIT = 254  # RFC 5321 4.5.3.1.3: a path of 256 octets, less its two angle brackets
LOCAL_LIMIT = 64  # RFC 5321 4.5.3.1.1
HEADER_LIMIT = 200  # a subject longer than this is cut by every mail program anyway

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LOCAL = re.compile(rf"{_ATOM}(\.{_ATOM})*")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


class InvalidRecipient(Malformed):
    """This is no address that a mail can be sent to."""

    code = "notifications.invalid_recipient"


def mail_address(text: str) -> str:
    """The address in the one form that is stored and compared. Refuses: InvalidRecipient.

    Only plain ``local@domain`` passes: no display name, comment, quoting, list or control
    character, so nothing that passes can add a second recipient or a header line.
    """
    local, at, domain = text.strip(" ").rpartition("@")
    domain = _ascii_domain(domain)
    labels = domain.split(".")
    is_sound = (
        at == "@"
        and len(local) <= LOCAL_LIMIT
        and _LOCAL.fullmatch(local) is not None
        and (len(labels) > 1 or domain == "localhost")
        and all(_LABEL.fullmatch(label) for label in labels)
        and len(local) + 1 + len(domain) <= ADDRESS_LIMIT
    )
    if not is_sound:
        raise InvalidRecipient(address=one_line(text))
    # Mail servers that tell Anna@ from anna@ apart are not found in practice, but people who
    # type their address in both ways are: they must not get the same message twice.
    return f"{local}@{domain}".lower()


def one_line(text: str, limit: int = HEADER_LIMIT) -> str:
    """The text as a header may carry it: line breaks and control characters become one space."""
    plain = "".join(" " if unicodedata.category(c) in _BREAKING else c for c in text)
    return " ".join(plain.split())[:limit].rstrip()


# Control, format (bidi overrides that disguise a sender), surrogate, line and paragraph separator.
_BREAKING = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def _ascii_domain(domain: str) -> str:
    try:
        return domain.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return ""
