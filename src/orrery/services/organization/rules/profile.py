"""The tenant's profile: what its screens and papers look like."""

import re

from orrery.kernel.types.refusal import Refusal

COLOUR = re.compile(r"#[0-9a-f]{6}")
PAPER_SIZES = ("A4", "Letter")
# Countries that print on US Letter (CLDR measurement data); everybody else uses A4.
LETTER_COUNTRIES = frozenset("BZ CA CL CO CR GT MX NI PA PH PR SV US VE".split())
DEFAULT_ACCENT = "#2f5d8a"
LOGO_LENGTH = 24


class ProfileUnsound(Refusal):
    """A particular of the profile cannot be right: the facts name the field and why."""

    code = "organization.profile_unsound"


def accent(colour: str) -> str:
    """A colour as #rrggbb in lower case. Refuses: ProfileUnsound."""
    lowered = colour.lower()
    if not COLOUR.fullmatch(lowered):
        raise ProfileUnsound(field="accent_colour", value=colour, reason="format")
    return lowered


def paper_of(country: str) -> str:
    """The paper that a country's printers hold."""
    return "Letter" if country in LETTER_COUNTRIES else "A4"


def logo_of(title: str) -> str:
    """The text shown as the logo until somebody chooses another: the title's first word."""
    words = title.split()
    return (words[0] if words else "Orrery")[:LOGO_LENGTH]
