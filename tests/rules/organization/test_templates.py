"""Templates and the profile's rules (ORG-3: tenant create from template)."""

import pytest

from orrery.services.organization.rules import profile, templates


@pytest.mark.parametrize("template", templates.TEMPLATES.values(), ids=lambda t: t.name)
def test_every_template_makes_exactly_one_headquarters(template: templates.Template) -> None:
    """A tenant has exactly one headquarters, from its first minute."""
    assert [unit.code for unit in template.units if unit.is_headquarters] == ["HQ"]
    assert len({unit.code for unit in template.units}) == len(template.units)
    assert profile.accent(template.accent_colour) == template.accent_colour


def test_the_two_templates_are_company_and_hospitality() -> None:
    assert sorted(templates.TEMPLATES) == ["company", "hospitality"]


def test_an_unknown_template_is_refused_and_the_known_ones_are_told() -> None:
    with pytest.raises(templates.UnknownTemplate) as refusal:
        templates.template("circus")
    assert refusal.value.facts == {"template": "circus", "known": ["company", "hospitality"]}


def test_a_colour_is_six_hexadecimal_digits() -> None:
    assert profile.accent("#2F5D8A") == "#2f5d8a"
    for wrong in ("2f5d8a", "#2f5d8", "#2f5d8ag", "red", "#2f5d8a;"):
        with pytest.raises(profile.ProfileUnsound):
            profile.accent(wrong)


@pytest.mark.parametrize(("country", "paper"), [("DE", "A4"), ("US", "Letter"), ("TH", "A4")])
def test_paper_follows_the_country(country: str, paper: str) -> None:
    assert profile.paper_of(country) == paper


@pytest.mark.parametrize(
    ("title", "logo"),
    [("Meridian Trading", "Meridian"), ("", "Orrery"), ("X" * 30 + " y", "X" * 24)],
)
def test_the_logo_text_is_the_first_word_until_somebody_chooses(title: str, logo: str) -> None:
    assert profile.logo_of(title) == logo
