"""Which passwords are taken (ID-1: "breach-list check"; the brief: at least 10 characters, not in
a small local list of common ones, not containing the e-mail name)."""

import pytest

from orrery.services.identity.rules import passwords
from orrery.services.identity.rules.passwords import WeakPassword, check

GOOD = "violet tram 41"


@pytest.mark.parametrize(
    "password",
    [
        GOOD,
        "a1b2c3d4e5",  # ten characters are enough
        "x" * 200 + "abcdef",
        "Zwölf Häuser am Meer",
        "correct horse battery",
    ],
)
def test_a_password_that_is_hard_to_guess_is_taken(password: str) -> None:
    check(password, email="mia@acme.example")


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("a1b2c3d4e", "too_short"),
        ("", "too_short"),
        ("kvwmzptqrs" * 25 + "abcdefg", "too_long"),
        ("password12", "too_common"),
        ("P@ssw0rd2026!", "too_common"),
        ("$ecret1234", "too_common"),
        ("Qwertyuiop", "too_common"),
        ("qwertyuiop12", "too_common"),
        ("1234567890", "too_common"),
        ("0987654321", "too_common"),
        ("abcdefghij", "too_common"),
        ("jihgfedcba", "too_common"),
        ("aaaaaaaaaa", "too_common"),
        ("abababababab", "too_common"),
        ("!!!changeme!!!", "too_common"),
        ("September2026", "too_common"),
        ("Orrery-2026", "too_common"),
        ("my mia has a cat", "contains_name"),
        ("violetMIAtram", "contains_name"),
    ],
)
def test_a_password_that_is_easy_to_guess_is_refused_with_its_reason(
    password: str, reason: str
) -> None:
    with pytest.raises(WeakPassword) as refused:
        check(password, email="mia@acme.example")
    assert refused.value.facts["reason"] == reason


def test_a_password_of_256_characters_is_the_longest() -> None:
    longest = ("kvwmzptqrs" * 26)[:256]
    check(longest, email="mia@acme.example")
    with pytest.raises(WeakPassword, match="too_long"):
        check(longest + "k", email="mia@acme.example")


def test_a_name_of_two_letters_may_stand_in_the_password() -> None:
    check("al pine tram 41", email="al@acme.example")


def test_the_same_letters_typed_on_another_keyboard_are_the_same_password() -> None:
    composed, decomposed = "caf\u00e9 at the pier", "cafe\u0301 at the pier"
    assert composed != decomposed
    assert passwords.normal(composed) == passwords.normal(decomposed)


def test_every_common_word_is_written_as_it_is_compared() -> None:
    assert all(word == word.casefold() and word.isalpha() for word in passwords.COMMON)


def test_every_common_word_is_refused_also_with_a_year_and_a_sign() -> None:
    for word in passwords.COMMON:
        with pytest.raises(WeakPassword):
            check(f"{word.capitalize()}!20260", email="mia@acme.example")
