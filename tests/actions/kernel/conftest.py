"""A house with nothing in it but the depot."""

import csv
import io
from collections.abc import AsyncIterator, Sequence
from datetime import date
from typing import Any, cast

import httpx2
import orjson
import pytest
import xlsxwriter  # type: ignore[import-untyped]  # it has no stubs

from orrery.kernel import testing
from tests.actions.kernel.depot import service

RIGHTS = {"depot.*": "all"}
BOXES: list[list[Any]] = [
    ["code", "name", "weight", "is_fragile", "tags", "built_on"],
    ["1001", "Käfig", 12.5, True, '["red", "old"]', date(2024, 1, 5)],
    ["1002", 'Box; large, "oak"', 3, False, "[]", date(2023, 12, 31)],
]


@pytest.fixture(scope="session")
async def depot() -> AsyncIterator[testing.House]:
    """The depot on a database of its own."""
    async with (
        testing.embedded_database() as url,
        testing.house(url, services={"depot": service.SERVICE}, tenants=[]) as opened,
    ):
        yield opened


class Desk:
    """Where a tenant's files are handed in."""

    def __init__(self, house: testing.House, tenant: str, **claims: Any) -> None:
        self.house, self.tenant = house, tenant
        grants = claims.pop("grants", RIGHTS)
        self.client = house.client(grants, tenant=tenant, **claims)

    def url(self, resource: str, rest: str = "") -> str:
        return f"/api/v1/depot/{resource}{rest}"

    async def send(self, resource: str, content: bytes | str, **params: Any) -> httpx2.Response:
        """Hand in a file; it waits for the worker."""
        body = content.encode() if isinstance(content, str) else content
        headers = params.pop("headers", {})
        return await self.client.post(
            self.url(resource, params.pop("rest", "/imports")),
            content=body,
            params=params,
            headers=headers,
        )

    async def take_in(self, resource: str, content: bytes | str, **params: Any) -> dict[str, Any]:
        """Hand in a file and wait for what comes of it."""
        sent = await self.send(resource, content, **params)
        assert sent.status_code == 202, sent.text
        await self.house.settle()
        return await self.batch(resource, sent.json()["id"])

    async def batch(self, resource: str, id: str) -> dict[str, Any]:
        """How far a file has got."""
        answer = await self.client.get(self.url(resource, f"/imports/{id}"))
        assert answer.status_code == 200, answer.text
        return cast(dict[str, Any], answer.json())

    async def errors(self, resource: str, id: str) -> list[dict[str, Any]]:
        """The refused rows."""
        answer = await self.client.get(
            self.url(resource, f"/imports/{id}/errors"), params={"format": "json"}
        )
        return cast(list[dict[str, Any]], answer.json())

    async def all(self, resource: str) -> list[dict[str, Any]]:
        """Every record, as exported, by its code or title."""
        sort = "code" if resource == "boxes" else "title"
        answer = await self.client.get(
            self.url(resource, "/export"), params={"format": "json", "sort": sort}
        )
        return cast(list[dict[str, Any]], answer.json())

    async def run(self, id: str) -> None:
        """Call the job by hand, as a worker does."""
        await self.house.runtime.jobs.run(self.tenant, "depot", "run_import", {"batch_id": id}, {})

    async def value(self, statement: Any, **values: Any) -> Any:
        """Look into the tenant's tables."""
        async with self.house.tx("depot", tenant=self.tenant) as tx:
            return await tx.value(statement, **values)


@pytest.fixture
async def desk(depot: testing.House) -> AsyncIterator[Desk]:
    """A desk of a tenant that is new, with nothing taken in."""
    made = Desk(depot, await depot.new_tenant())
    async with made.client:
        yield made


def as_csv(rows: Sequence[Any], delimiter: str = ",") -> str:
    """Rows as CSV, the heading first."""
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=delimiter).writerows(rows)
    return buffer.getvalue()


def as_xlsx(rows: Sequence[Any]) -> bytes:
    """Rows as a workbook; dates and numbers are cells of that kind."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"default_date_format": "yyyy-mm-dd"}) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
    return buffer.getvalue()


def as_json(rows: Sequence[Any]) -> bytes:
    """Rows as an array of objects."""
    names, *records = rows
    return orjson.dumps([dict(zip(names, row, strict=True)) for row in records])


def counts(batch: dict[str, Any]) -> tuple[int, int, int, int]:
    """Rows read, created, changed and refused."""
    read, created, changed, refused = (
        batch[f"rows_{name}"] for name in ("read", "created", "changed", "refused")
    )
    return read, created, changed, refused
