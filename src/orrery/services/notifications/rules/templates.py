"""Templates: a small, safe language, the defaults that come with the package, and rendering.

A tenant's administrator writes templates, so they are foreign code. What is allowed is listed, not
what is forbidden: names of facts, a few filters, conditions. Without loops, calls and arithmetic a
template takes time in proportion to its length, so no watchdog is needed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime
from babel.numbers import format_currency, format_decimal
from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, nodes, pass_context
from jinja2 import Template as CompiledTemplate
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from orrery.kernel.types.refusal import Malformed, Refusal
from orrery.services.notifications.rules.addresses import one_line
from orrery.services.notifications.rules.kinds import LANGUAGES, Kind

# What every template may name beside the facts of its kind.
LETTER_NAMES = frozenset({"company", "language", "time_zone"})
FILTERS = frozenset({"money", "number", "day", "moment", "upper", "lower", "title", "default"})
TESTS = frozenset({"none"})
ALLOWED_NODES = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Const,
    nodes.If,
    nodes.CondExpr,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.Filter,
    nodes.Test,
)
PARTS = ("subject", "text", "html")
COMPILED_LIMIT = 500  # some 10 kB each; a tenant seldom has more than a dozen of its own


class TemplateBroken(Malformed):
    """The template cannot be used; the facts name the part, the line and the reason."""

    code = "notifications.template_broken"


class TemplateChangedMeanwhile(Refusal):
    """Somebody else saved a version of this template at the same moment."""

    code = "notifications.template_changed_meanwhile"


@dataclass(frozen=True)
class Template:
    """The three texts of a message as their author wrote them."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True)
class Letter:
    """What a message says about its sender and its reader's habits."""

    company: str
    language: str
    time_zone: str


@dataclass(frozen=True)
class Content:
    """A message as its reader sees it."""

    subject: str
    text: str
    html: str


@cache
def default_template(kind: str, language: str) -> Template:
    """The template that comes with the package, for when the tenant has none of its own."""
    folder = files("orrery.services.notifications") / "templates"
    subject, text, html = (
        (folder / f"{kind}.{language}.{ending}").read_text(encoding="utf-8")
        for ending in ("subject.txt", "txt", "html")
    )
    return Template(subject=subject.strip(), text=text, html=html)


def check(kind: Kind, template: Template) -> None:
    """Prove a template by its syntax and by its kind's sample. Refuses: TemplateBroken."""
    known = LETTER_NAMES | kind.sample.keys()
    for part in PARTS:
        _check_part(part, getattr(template, part), known)
    for language in LANGUAGES:
        render(template, kind.sample, Letter("Example Ltd", language, "UTC"))


def render(template: Template, facts: Mapping[str, Any], letter: Letter) -> Content:
    """Fill in a template. Refuses: TemplateBroken."""
    values = {
        **facts,
        "company": letter.company,
        "language": letter.language,
        "time_zone": letter.time_zone,
    }
    subject = one_line(_fill("subject", template.subject, values))
    body = _fill("html", template.html, values)
    page = _compiled(_layout(), escapes=True)
    return Content(
        subject=subject or one_line(letter.company),
        text=_fill("text", template.text, values).strip() + "\n",
        html=page.render(**values, subject=subject, body=Markup(body)),
    )


def _check_part(part: str, source: str, known: frozenset[str]) -> None:
    try:
        tree = _environment(escapes=part == "html").parse(source)
    except TemplateSyntaxError as error:
        raise TemplateBroken(part=part, line=error.lineno, reason=error.message) from error
    for node in tree.find_all(nodes.Node):
        reason = _objection(node, known)
        if reason:
            raise TemplateBroken(part=part, line=node.lineno, reason=reason)


def _objection(node: nodes.Node, known: frozenset[str]) -> str | None:
    if not isinstance(node, ALLOWED_NODES):
        return f"{type(node).__name__} is not allowed"
    if isinstance(node, nodes.Name) and node.name not in known:
        return f"unknown name {node.name}; known: {', '.join(sorted(known))}"
    if isinstance(node, nodes.Filter) and node.name not in FILTERS:
        return f"unknown filter {node.name}; known: {', '.join(sorted(FILTERS))}"
    if isinstance(node, nodes.Test) and node.name not in TESTS:
        return f"unknown test {node.name}"
    return None


def _fill(part: str, source: str, values: Mapping[str, Any]) -> str:
    try:
        return _compiled(source, escapes=part == "html").render(**values)
    except (TemplateError, ValueError, TypeError, InvalidOperation) as error:
        raise TemplateBroken(part=part, line=None, reason=str(error)) from error


@cache
def _layout() -> str:
    folder = files("orrery.services.notifications") / "templates"
    return (folder / "layout.html").read_text(encoding="utf-8")


@cache
def _environment(*, escapes: bool) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        autoescape=escapes, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(money=_money, number=_number, day=_day, moment=_moment)
    return environment


# Without a loader Jinja keeps nothing, and compiling costs fifty times as much as filling in.
@lru_cache(maxsize=COMPILED_LIMIT)
def _compiled(source: str, *, escapes: bool) -> CompiledTemplate:
    return _environment(escapes=escapes).from_string(source)


@pass_context
def _money(context: Context, value: Any, currency: str) -> str:
    return format_currency(Decimal(str(value)), currency, locale=context["language"])


@pass_context
def _number(context: Context, value: Any) -> str:
    return format_decimal(Decimal(str(value)), locale=context["language"])


@pass_context
def _day(context: Context, value: Any) -> str:
    day = value if isinstance(value, date) else date.fromisoformat(str(value))
    return format_date(day, format="long", locale=context["language"])


@pass_context
def _moment(context: Context, value: Any) -> str:
    instant = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    zone = ZoneInfo(context["time_zone"])
    return format_datetime(instant, "long", tzinfo=zone, locale=context["language"])
