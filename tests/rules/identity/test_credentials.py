"""Secrets: how cookies and tokens are written, and what the database keeps of them."""

import hashlib

import pytest

from orrery.services.identity.rules import credentials

RANDOM = "AbCdEfGhIjKlMnOpQrStUvWxYz0123456789-_AbCdE"


def test_a_session_cookie_names_its_tenant_and_only_its_digest_is_kept() -> None:
    cookie = credentials.write_session("acme", RANDOM)
    assert cookie == f"acme.{RANDOM}"
    secret = credentials.read_session(cookie)
    assert secret == credentials.Secret("acme", hashlib.sha256(cookie.encode()).hexdigest())


def test_a_token_with_underscores_in_its_secret_is_read_back() -> None:
    token = credentials.write_token("ork", "acme", RANDOM)
    assert token == f"ork_acme_{RANDOM}"
    secret = credentials.read_token(token, "ork")
    assert secret == credentials.Secret("acme", hashlib.sha256(token.encode()).hexdigest())
    assert credentials.read_token(token, "orr") is None


def test_a_list_shows_the_beginning_of_a_token() -> None:
    assert credentials.shown(f"ork_acme_{RANDOM}") == "ork_acme_AbCdEf"


@pytest.mark.parametrize(
    "credential",
    ["", "acme", f".{RANDOM}", f"Acme.{RANDOM}", f"acme.{RANDOM[:-1]}", f"acme.{RANDOM}x",
     f"acme__people.{RANDOM}", f"acme.{RANDOM}\n", f"acme.{RANDOM[:-1]}'"],
)  # fmt: skip
def test_what_is_no_session_cookie_is_not_looked_up(credential: str) -> None:
    assert credentials.read_session(credential) is None


@pytest.mark.parametrize(
    "credential",
    ["", "ork_acme", f"ork_acme_{RANDOM}x", f"ork_a_b_{RANDOM}", f"ork__{RANDOM}",
     f"xrk_acme_{RANDOM}", f"ork_ACME_{RANDOM}"],
)  # fmt: skip
def test_what_is_no_token_is_not_looked_up(credential: str) -> None:
    assert credentials.read_token(credential, "ork") is None
