"""What a new tenant starts with: plain data, one template for each kind of business."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from orrery.kernel.types.ids import demo_id, new_id
from orrery.kernel.types.refusal import Refusal

DEMO_TENANT = "demo"


class UnknownTemplate(Refusal):
    """There is no template of this name."""

    code = "organization.unknown_template"


@dataclass(frozen=True)
class UnitTemplate:
    """A unit to make; ``{title}`` stands for the tenant's title."""

    code: str
    name: str
    tax_rounding: str
    is_headquarters: bool = False


@dataclass(frozen=True)
class Template:
    """The units and the look that a kind of business starts with."""

    name: str
    title: str
    accent_colour: str
    units: Sequence[UnitTemplate]


TEMPLATES: Mapping[str, Template] = {
    template.name: template
    for template in (
        Template(
            name="company",
            title="One company",
            accent_colour="#2f5d8a",
            units=[UnitTemplate("HQ", "{title}", tax_rounding="line", is_headquarters=True)],
        ),
        Template(
            name="hospitality",
            title="A hotel group: its head office and its first house",
            accent_colour="#7a4a2b",
            units=[
                UnitTemplate(
                    "HQ", "{title} Head Office", tax_rounding="document", is_headquarters=True
                ),
                UnitTemplate("HOTEL-1", "{title} Hotel", tax_rounding="document"),
            ],
        ),
    )
}


def template(name: str) -> Template:
    """Refuses: UnknownTemplate."""
    found = TEMPLATES.get(name)
    if found is None:
        raise UnknownTemplate(template=name, known=sorted(TEMPLATES))
    return found


def unit_id(tenant: str, code: str) -> UUID:
    """A fresh id; the demo tenant's are fixed, so that other services' seeds can name its units."""
    if tenant == DEMO_TENANT:
        return demo_id("organization", f"unit-{code.lower()}")
    return new_id()
