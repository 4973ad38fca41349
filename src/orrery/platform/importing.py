"""``orrery import``: foreign files into a tenant through the public API, by a mapping file."""

import asyncio
import csv
import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2

from orrery.kernel.types.money import round_half_up

MAPPINGS = Path(__file__).parent / "mappings"
BATCH = 100
PART = re.compile(r"\{([A-Za-z_.]+)(?:\|([a-z_]+))?\}")
# An import of some hundred rows takes seconds; a minute means that nobody works it off.
PATIENCE_SECONDS = 120


class ImportFailed(RuntimeError):
    """The API refused a whole request, or nobody worked the import off."""


@dataclass
class StepReport:
    """What became of one step."""

    name: str
    read: int = 0
    created: int = 0
    refused: int = 0
    reasons: Counter[str] = field(default_factory=Counter)


@dataclass
class Report:
    """What became of a whole import, with the totals per year of the files and of the books."""

    title: str
    rounding: str
    steps: list[StepReport] = field(default_factory=list)
    totals_of_files: dict[str, Decimal] = field(default_factory=dict)
    totals_of_books: dict[str, Decimal] = field(default_factory=dict)
    figures: dict[str, Any] = field(default_factory=dict)
    ageing: dict[str, Any] = field(default_factory=dict)

    @property
    def agrees(self) -> bool:
        """Whether the books' totals equal the files', to the cent."""
        return self.totals_of_files == self.totals_of_books


def mapping_of(name: str) -> dict[str, Any]:
    """A mapping by its name (shipped) or path."""
    path = Path(name) if name.endswith(".toml") else MAPPINGS / f"{name}.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))


def read_rows(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def batches(items: list[Any], size: int = BATCH) -> Iterator[list[Any]]:
    """Parts of a list."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


@dataclass(frozen=True)
class Templates:
    """Templates over rows, with the mapping's tables of values."""

    values: Mapping[str, Mapping[str, str]]

    def fill(self, template: Any, row: Mapping[str, str]) -> Any:
        """A template's value for a row; None when a column it needs is empty."""
        if isinstance(template, list):
            filled = [self.fill(part, row) for part in template]
            return [part for part in filled if part is not None]
        missing = False

        def part(match: re.Match[str]) -> str:
            nonlocal missing
            text = (row.get(match[1]) or "").strip()
            missing = missing or not text
            return self._filtered(match[2], text) if text else ""

        text = PART.sub(part, template)
        return None if missing else text

    def _filtered(self, name: str | None, text: str) -> str:
        if name is None:
            return text
        if name == "date":
            return text[:10]
        if name == "percent":
            return format((Decimal(text) * 100).normalize(), "f")
        return self.values[name][text]

    def record(self, fields: Mapping[str, Any], row: Mapping[str, str]) -> dict[str, Any]:
        """The fields of a row that have a value."""
        filled = {name: self.fill(template, row) for name, template in fields.items()}
        return {name: value for name, value in filled.items() if value is not None}


class Importer:
    """One import into one tenant."""

    def __init__(self, client: httpx2.AsyncClient, folder: Path, mapping: dict[str, Any]) -> None:
        self._client = client
        self._folder = folder
        self._mapping = mapping
        self._templates = Templates(mapping.get("values", {}))
        self.report = Report(mapping["title"], mapping["rounding"])

    async def run(self) -> Report:
        """Every step in order, then the totals."""
        kinds = {"rows": self._rows, "documents": self._documents, "payments": self._payments}
        for step in self._mapping["steps"]:
            told = StepReport(step["name"])
            self.report.steps.append(told)
            await kinds[step["kind"]](step, told)
        revenue = await self._get("invoicing/reports/revenue?by=year&date_from=1900-01-01")
        for row in revenue["items"]:
            year, total = str(row["period"])[:4], Decimal(row["total_net"])
            self.report.totals_of_books[year] = total
        return self.report

    async def _get(self, path: str) -> Any:
        response = await self._client.get(f"/api/v1/{path}")
        if response.is_error:
            raise ImportFailed(f"{path}: {response.text}")
        return response.json()

    async def _post(self, path: str, body: Any) -> Any:
        response = await self._client.post(f"/api/v1/{path}", json=body)
        if response.is_error:
            raise ImportFailed(f"{path}: {response.text}")
        return response.json()

    async def _rows(self, step: dict[str, Any], told: StepReport) -> None:
        """Hand a file's rows to the resource's own import and wait for it."""
        constants = step.get("constants", {})
        rows = read_rows(self._folder / step["file"])
        records = [self._templates.record(step["fields"], row) | constants for row in rows]
        told.read = len(rows)
        batch = await self._post(f"{step['to']}/imports?format=json", records)
        for _ in range(PATIENCE_SECONDS * 10):
            if batch["state"] not in ("queued", "running"):
                break
            await asyncio.sleep(0.1)
            batch = await self._get(f"{step['to']}/imports/{batch['id']}")
        if batch["state"] != "done":
            raise ImportFailed(f"{step['name']}: the import is {batch['state']}")
        told.created = batch["rows_created"] + batch["rows_changed"]
        told.refused = batch["rows_refused"]
        if told.refused:
            errors = await self._get(f"{step['to']}/imports/{batch['id']}/errors?format=json")
            told.reasons.update(str(error.get("error_message") or error) for error in errors)

    async def _references(self, step: dict[str, Any]) -> dict[str, dict[str, str]]:
        """Ids by external id of the lists that a step's records point to."""
        known: dict[str, dict[str, str]] = {}
        for name, reference in step.get("references", {}).items():
            known[name] = {
                item["external_id"]: item["id"]
                async for item in self._items(reference["list"])
                if item.get("external_id")
            }
        return known

    async def _items(self, path: str) -> Any:
        cursor = ""
        while True:
            page = await self._get(f"{path}?limit=200{cursor}")
            for item in page["items"]:
                yield item
            if page["next"] is None:
                return
            cursor = f"&cursor={page['next']}"

    async def _documents(self, step: dict[str, Any], told: StepReport) -> None:
        """Headers with their lines, a hundred documents in a request."""
        tables = {
            name: {row[table["key"]]: row for row in read_rows(self._folder / table["file"])}
            for name, table in step.get("lookups", {}).items()
        }
        keys = {name: table["key"] for name, table in step.get("lookups", {}).items()}
        lines: dict[str, list[dict[str, Any]]] = {}
        sums: dict[str, Decimal] = {}
        for row in read_rows(self._folder / step["lines_file"]):
            full = dict(row)
            for name, table in tables.items():
                full |= {f"{name}.{k}": v for k, v in table[row[keys[name]]].items()}
            line = self._templates.record(step["line_fields"], full)
            key = row[step["key"]]
            lines.setdefault(key, []).append(line)
            sums[key] = sums.get(key, Decimal(0)) + line_amount(line)
        references = await self._references(step)
        documents = []
        for row in read_rows(self._folder / step["file"]):
            draft = self._templates.record(step["fields"], row) | step.get("constants", {})
            for name, reference in step.get("references", {}).items():
                wanted = self._templates.fill(reference["external_id"], row)
                if wanted in references[name]:
                    draft[name] = references[name][wanted]
            documents.append(draft | {"lines": lines.get(row[step["key"]], [])})
            year = draft["document_date"][:4]
            totals = self.report.totals_of_files
            totals[year] = totals.get(year, Decimal(0)) + sums.get(row[step["key"]], Decimal(0))
        told.read = len(documents)
        documents.sort(key=lambda draft: (draft["document_date"], draft["external_id"]))
        for part in batches(documents):
            self._count(told, await self._post(step["to"], {"documents": part}))

    def _count(self, told: StepReport, result: dict[str, Any]) -> None:
        for item in result["items"]:
            if item["refusal"] is None:
                told.created += 1
            else:
                told.refused += 1
                told.reasons[item["refusal"]["code"]] += 1

    async def _payments(self, step: dict[str, Any], told: StepReport) -> None:
        """Pay every invoice in full, but for those of the last days."""
        as_of: date = self._mapping["as_of"]
        unpaid_after = as_of - timedelta(days=step["unpaid_days"])
        drafts = []
        async for invoice in self._items(step["list"]):
            told.read += 1
            issued = date.fromisoformat(invoice["document_date"])
            if issued > unpaid_after or Decimal(invoice["amount_open"]) <= 0:
                continue
            paid_on = issued + timedelta(days=step["paid_after_days"])
            drafts.append(
                {
                    "amount": invoice["amount_open"],
                    "received_on": paid_on.isoformat(),
                    "reference": invoice["number"],
                    "currency": invoice["currency"],
                    "applications": [{"invoice_id": invoice["id"]}],
                }
            )
        drafts.sort(key=lambda draft: draft["received_on"])
        for part in batches(drafts):
            self._count(told, await self._post(step["to"], {"payments": part}))


def line_amount(line: Mapping[str, str]) -> Decimal:
    """A line's amount under the stated rounding: half-up to cents."""
    price = Decimal(line["quantity"]) * Decimal(line["unit_price"])
    return round_half_up(price * (1 - Decimal(line.get("discount_percent", "0")) / 100), 2)


async def sign_in(client: httpx2.AsyncClient, *, tenant: str, email: str, password: str) -> None:
    """Give a client the bearer token of a user."""
    body = {"tenant": tenant, "email": email, "password": password}
    response = await client.post("/api/v1/identity/tokens", json=body)
    if response.is_error:
        raise ImportFailed(f"sign-in as {email} of {tenant}: {response.text}")
    client.headers["Authorization"] = f"Bearer {response.json()['access_token']}"


async def run_import(
    client: httpx2.AsyncClient, folder: Path, name: str
) -> tuple[Report, dict[str, Any]]:
    """Import a folder by a mapping; answers the report and the mapping."""
    mapping = mapping_of(name)
    report = await Importer(client, folder, mapping).run()
    as_of = mapping["as_of"].isoformat()
    ageing = await client.get(f"/api/v1/invoicing/reports/receivables-ageing?as_of={as_of}")
    report.ageing = ageing.json()
    return report, mapping


async def settled_figures(client: httpx2.AsyncClient, as_of: date, *, head_count: int) -> Any:
    """The dashboard's figures once the events have arrived, or as far as they came in time."""
    figures: Any = {}
    before: Any = None
    for _ in range(PATIENCE_SECONDS * 2):
        response = await client.get(f"/api/v1/analytics/figures?as_of={as_of.isoformat()}")
        figures = response.json()
        if figures == before and figures.get("head_count", 0) >= head_count:
            break
        before = figures
        await asyncio.sleep(0.5)
    return figures
