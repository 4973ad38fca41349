"""Addresses and header texts: recipients are validated, header injection is impossible."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orrery.services.notifications.rules.addresses import (
    ADDRESS_LIMIT,
    HEADER_LIMIT,
    LOCAL_LIMIT,
    InvalidRecipient,
    mail_address,
    one_line,
)


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("anna@example.com", "anna@example.com"),
        ("  Anna.Smith+news@Example.COM ", "anna.smith+news@example.com"),
        ("root@localhost", "root@localhost"),
        ("kontakt@bäckerei.example", "kontakt@xn--bckerei-5wa.example"),
        ("o'neil@example.ie", "o'neil@example.ie"),
        ("a" * LOCAL_LIMIT + "@example.com", "a" * LOCAL_LIMIT + "@example.com"),
    ],
)
def test_an_address_has_one_stored_form(written: str, stored: str) -> None:
    """Recipients are validated: whoever writes Anna@ or anna@ means one recipient."""
    assert mail_address(written) == stored


@pytest.mark.parametrize(
    "written",
    [
        "",
        "anna",
        "anna@",
        "@example.com",
        "anna@example",
        "anna@exa mple.com",
        "anna@@example.com",
        "anna@example.com, eve@example.com",
        "anna@example.com;eve@example.com",
        "Anna <anna@example.com>",
        '"anna smith"@example.com',
        "anna@example.com\r\nBcc: eve@example.com",
        "anna\r\nBcc: eve@example.com",
        "anna@example.com\n",
        "anna\x00@example.com",
        "änna@example.com",
        ".anna@example.com",
        "anna.@example.com",
        "an..na@example.com",
        "anna@-example.com",
        "anna@example-.com",
        "anna@example..com",
        "anna@[127.0.0.1]",
        "anna@" + "a" * 64 + ".com",
        "a" * (LOCAL_LIMIT + 1) + "@example.com",
        "a@" + ".".join(["b" * 60] * 5) + ".com",
    ],
)
def test_what_is_no_plain_address_is_refused(written: str) -> None:
    """Recipients are validated: nothing that adds a recipient or a header line passes."""
    with pytest.raises(InvalidRecipient) as refusal:
        mail_address(written)
    assert "\r" not in str(refusal.value.facts["address"])
    assert "\n" not in str(refusal.value.facts["address"])


def test_the_longest_address_passes_and_one_character_more_does_not() -> None:
    """RFC 5321: at most 254 characters."""
    domain = ".".join(["b" * 62] * 3) + ".com"
    longest = "a" * (ADDRESS_LIMIT - len(domain) - 1) + "@" + domain
    assert len(longest) == ADDRESS_LIMIT
    assert mail_address(longest) == longest
    with pytest.raises(InvalidRecipient):
        mail_address("a" + longest)


@given(st.text(max_size=60))
def test_no_text_whatever_becomes_an_address_with_a_control_character(text: str) -> None:
    """Header injection impossible: what passes is printable ASCII with one at sign."""
    try:
        address = mail_address(text)
    except InvalidRecipient:
        return
    assert address.isascii()
    assert address.isprintable()
    assert address.count("@") == 1
    assert not set(address) & set(' ,;<>"()')


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Anna Smith", "Anna Smith"),
        ("Anna\r\nBcc: eve@example.com", "Anna Bcc: eve@example.com"),
        ("a\nb\rc\x0bd\x0ce\x1cf\x85g\u2028h\u2029i", "a b c d e f g h i"),
        ("pay\u202efdp.exe", "pay fdp.exe"),
        ("   spaced \t out  ", "spaced out"),
        ("x" * (HEADER_LIMIT + 1), "x" * HEADER_LIMIT),
        ("", ""),
    ],
)
def test_a_header_text_is_one_line(text: str, line: str) -> None:
    """Header injection impossible: line breaks of every kind become a space."""
    assert one_line(text) == line
