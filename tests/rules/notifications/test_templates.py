"""Templates: safe by construction, in two languages, with defaults for every kind."""

import dataclasses

import pytest

from orrery.services.notifications.rules import kinds
from orrery.services.notifications.rules.kinds import KINDS, LANGUAGES
from orrery.services.notifications.rules.templates import (
    Letter,
    Template,
    TemplateBroken,
    check,
    default_template,
    render,
)

LETTER = Letter("Meridian & Sons <Trading>", "en", "Europe/Berlin")
PLAIN = Template("Hello", "Hello", "<p>Hello</p>")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_has_a_default_in_every_language(kind: str, language: str) -> None:
    """NOT-1: per-event template with languages; each default passes its own check."""
    template = default_template(kind, language)
    check(KINDS[kind], template)
    content = render(template, KINDS[kind].sample, Letter("Meridian", language, "UTC"))
    assert content.subject
    assert "\n" not in content.subject
    assert content.text.endswith("\n")
    assert "{{" not in content.subject + content.text + content.html


def test_the_receipt_says_what_was_paid() -> None:
    """4.1: invoice.paid -> receipt mail, with a plain-text twin of the HTML."""
    content = render(default_template("receipt", "en"), kinds.RECEIPT.sample, LETTER)
    assert content.subject == "Receipt for invoice INV-2026-00017"
    assert "Total paid: €1,190.00" in content.text
    assert "July 14, 2026" in content.text
    assert "€1,190.00" in content.html


def test_amounts_and_dates_speak_the_readers_language() -> None:
    """NOT-1: languages go into numbers and dates as well."""
    letter = dataclasses.replace(LETTER, language="de")
    content = render(default_template("receipt", "de"), kinds.RECEIPT.sample, letter)
    assert "1.190,00\xa0€" in content.text
    assert "14. Juli 2026" in content.text


def test_an_instant_is_told_in_the_companys_time_zone() -> None:
    """A lock-out until 09:30 UTC ends at 11:30 on a clock in Berlin."""
    content = render(
        default_template("user_locked_out", "en"), kinds.USER_LOCKED_OUT.sample, LETTER
    )
    assert "11:30" in content.text


@pytest.mark.parametrize(("level", "subject"), [(1, "Reminder: invoice"), (2, "Reminder 2: invo")])
def test_a_reminder_names_its_level_from_the_second_on(level: int, subject: str) -> None:
    """Dunning levels: the first letter is friendly, later ones are counted."""
    facts = {**kinds.REMINDER.sample, "level": level}
    content = render(default_template("reminder", "en"), facts, LETTER)
    assert content.subject.startswith(subject)


def test_a_reminder_without_a_fee_says_nothing_of_one() -> None:
    """Dunning: a fee is named only when one is charged."""
    free = render(
        default_template("reminder", "en"), {**kinds.REMINDER.sample, "fee": None}, LETTER
    )
    charged = render(default_template("reminder", "en"), kinds.REMINDER.sample, LETTER)
    assert "we charge" not in free.text
    assert "we charge €5.00" in charged.text


def test_facts_are_escaped_in_html_and_left_alone_in_text() -> None:
    """A customer's name is text, never markup: autoescape in HTML."""
    facts = {**kinds.RECEIPT.sample, "customer_name": "<script>alert(1)</script> & Co"}
    content = render(default_template("receipt", "en"), facts, LETTER)
    assert "<script>" not in content.html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; Co" in content.html
    assert "Meridian &amp; Sons &lt;Trading&gt;" in content.html
    assert "<script>alert(1)</script> & Co" in content.text


def test_a_line_break_in_a_fact_cannot_start_a_header() -> None:
    """Header injection impossible: CR/LF in names and subjects."""
    facts = {**kinds.RECEIPT.sample, "number": "1\r\nBcc: eve@example.com"}
    content = render(default_template("receipt", "en"), facts, LETTER)
    assert content.subject == "Receipt for invoice 1 Bcc: eve@example.com"


@pytest.mark.parametrize(
    ("part", "source", "reason"),
    [
        ("subject", "{{ number", "unexpected"),
        ("subject", "{{ nummer }}", "unknown name nummer"),
        ("text", "{{ total | sum }}", "unknown filter sum"),
        ("text", "{{ total is odd }}", "unknown test odd"),
        ("text", "{% for x in customer_name %}{{ x }}{% endfor %}", "For is not allowed"),
        ("text", "{% set x = 1 %}", "Assign is not allowed"),
        ("text", "{% include 'layout.html' %}", "Include is not allowed"),
        ("text", "{% macro m() %}{% endmacro %}", "Macro is not allowed"),
        ("html", "{{ ''.__class__.__mro__ }}", "Getattr is not allowed"),
        ("html", "{{ customer_name['__class__'] }}", "Getitem is not allowed"),
        ("html", "{{ range(9) }}", "Call is not allowed"),
        ("html", "{{ 'x' * 999999999 }}", "Mul is not allowed"),
        ("html", "{{ 9 ** 9 }}", "Pow is not allowed"),
        ("html", "{{ total | money }}", "missing 1 required positional argument"),
        ("html", "{{ customer_name | money(currency) }}", "ConversionSyntax"),
        ("html", "{{ total | money('EURO') }}", ""),
    ],
)
def test_a_template_that_is_not_safe_or_does_not_work_is_refused(
    part: str, source: str, reason: str
) -> None:
    """Templates are foreign code: only names, filters and conditions that are listed."""
    broken = dataclasses.replace(PLAIN, **{part: source})
    if not reason:
        # Babel writes an unknown currency by its code; nothing to refuse.
        check(kinds.RECEIPT, broken)
        return
    with pytest.raises(TemplateBroken) as refusal:
        check(kinds.RECEIPT, broken)
    assert refusal.value.facts["part"] == part
    assert reason in str(refusal.value.facts["reason"])


def test_a_template_may_use_conditions_and_comparisons() -> None:
    """The language is small, but enough for a letter."""
    text = "{% if level >= 2 and fee is not none %}{{ fee | number }}{% else %}-{% endif %}"
    check(kinds.REMINDER, dataclasses.replace(PLAIN, text=text))
    content = render(dataclasses.replace(PLAIN, text=text), kinds.REMINDER.sample, LETTER)
    assert content.text == "5\n"


def test_a_subject_that_comes_out_empty_becomes_the_companys_name() -> None:
    """A mail without a subject looks like junk."""
    template = dataclasses.replace(PLAIN, subject="{% if level > 9 %}x{% endif %}")
    assert render(template, kinds.REMINDER.sample, LETTER).subject == LETTER.company


def test_a_fact_that_is_missing_breaks_the_message_instead_of_leaving_a_gap() -> None:
    """An old event without a fact that a new template names is not sent half-empty."""
    facts = {key: value for key, value in kinds.RECEIPT.sample.items() if key != "number"}
    with pytest.raises(TemplateBroken):
        render(default_template("receipt", "en"), facts, LETTER)
