"""Cross-site requests and the headers of the door."""

import hashlib
import hmac

import pytest

from orrery.services.gateway.rules import csrf, headers

SESSION = "acme." + "x" * 43


def test_the_token_is_the_hmac_of_the_session() -> None:
    expected = hmac.new(b"secret", SESSION.encode(), hashlib.sha256).hexdigest()
    assert csrf.token_of("secret", SESSION) == expected
    csrf.check_token(secret="secret", session=SESSION, sent=expected)


@pytest.mark.parametrize("sent", [None, "", "0" * 64, csrf.token_of("other", SESSION), "ü"])
def test_no_token_or_a_wrong_one_is_refused(sent: str | None) -> None:
    with pytest.raises(csrf.CsrfTokenMissing):
        csrf.check_token(secret="secret", session=SESSION, sent=sent)


@pytest.mark.parametrize(
    ("origin", "site"),
    [
        ("http://erp.example:8000", None),
        ("HTTP://ERP.example:8000", "cross-site"),
        ("https://partner.example", None),
        (None, None),
        (None, "same-origin"),
        (None, "none"),
    ],
)
def test_the_own_site_the_allowed_and_programs_pass(origin: str | None, site: str | None) -> None:
    allowed = {"https://partner.example"}
    csrf.check_origin(origin=origin, site=site, host="erp.example:8000", allowed=allowed)


@pytest.mark.parametrize(
    ("origin", "site"),
    [
        ("http://evil.example", None),
        ("http://erp.example", None),
        ("http://erp.example:8000.evil.example", None),
        ("null", None),
        ("", None),
        (None, "cross-site"),
        (None, "same-site"),
    ],
)
def test_other_sites_are_refused(origin: str | None, site: str | None) -> None:
    with pytest.raises(csrf.CrossSite):
        csrf.check_origin(origin=origin, site=site, host="erp.example:8000", allowed=())


@pytest.mark.parametrize(
    ("cookies", "session"),
    [
        ("orrery_session=a.b", "a.b"),
        ("theme=dark; orrery_session=a.b; x=y", "a.b"),
        ('orrery_session="a.b"', "a.b"),
        ("xorrery_session=a.b", None),
        ("orrery_session_x=a.b", None),
        ("orrery_session=", None),
        ("orrery_session", None),
        ("orrery_session=first; orrery_session=second", "first"),
    ],
)
def test_the_session_is_found_among_cookies(cookies: str, session: str | None) -> None:
    assert headers.session_of(cookies) == session


@pytest.mark.parametrize(
    ("value", "is_valid"),
    [
        (b"0190c3-abc.DEF:1_2", True),
        (b"x" * 64, True),
        (b"x" * 65, False),
        (b"", False),
        (b"a b", False),
        (b"a\nb", False),
        ("ü".encode(), False),
    ],
)
def test_a_request_id_is_short_and_harmless(value: bytes, is_valid: bool) -> None:
    """GW-5: the correlation id goes into logs and events as it came, so it must be harmless."""
    assert headers.is_valid_request_id(value) is is_valid


def test_only_production_asks_browsers_to_remember_https() -> None:
    development = dict(headers.security(is_production=False))
    production = dict(headers.security(is_production=True))
    assert b"strict-transport-security" not in development
    assert production[b"strict-transport-security"] == b"max-age=31536000; includeSubDomains"
    assert production[b"x-content-type-options"] == b"nosniff"


def test_a_page_may_use_its_own_style_and_no_script() -> None:
    policy = headers.page_policy(["abc="]).decode()
    assert "style-src 'sha256-abc='" in policy
    assert policy.startswith("default-src 'none'; ")
    assert "frame-ancestors 'none'" in policy
    assert "script-src" not in policy
    assert "unsafe" not in policy
