"""Secrets that people and programs carry: how they are written, and what is kept of them."""

import hashlib
import re
from dataclasses import dataclass

API_TOKEN_PREFIX = "ork"
REFRESH_TOKEN_PREFIX = "orr"
# What a list of tokens shows, enough to tell them apart and too little to use.
SHOWN_LENGTH = 6

SESSION = re.compile(r"([a-z][a-z0-9]{1,30})\.([A-Za-z0-9_-]{43})")
TOKEN = re.compile(r"(ork|orr)_([a-z][a-z0-9]{1,30})_([A-Za-z0-9_-]{43})")


@dataclass(frozen=True)
class Secret:
    """A credential taken apart: whose database knows it, and what it is known by there."""

    tenant: str
    digest: str


def digest(secret: str) -> str:
    """What the database keeps of a random secret: 256 bits of chance need no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


def read_session(credential: str) -> Secret | None:
    """Take a session cookie apart; None when it is none."""
    match = SESSION.fullmatch(credential)
    return Secret(match[1], digest(credential)) if match else None


def read_token(credential: str, prefix: str) -> Secret | None:
    """Take an API or refresh token apart; None when it is none of that kind."""
    match = TOKEN.fullmatch(credential)
    return Secret(match[2], digest(credential)) if match and match[1] == prefix else None


def write_session(tenant: str, random: str) -> str:
    """The value of a session cookie."""
    return f"{tenant}.{random}"


def write_token(prefix: str, tenant: str, random: str) -> str:
    """An API or refresh token."""
    return f"{prefix}_{tenant}_{random}"


def shown(token: str) -> str:
    """The beginning of an API token, by which its owner recognises it."""
    prefix, tenant, random = token.split("_", 2)
    return f"{prefix}_{tenant}_{random[:SHOWN_LENGTH]}"
