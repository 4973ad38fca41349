"""``orrery import``: where the house is found, and the report that is printed."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx2
from rich.console import Console
from rich.table import Table

from orrery.kernel import settings
from orrery.kernel.runtime import Runtime
from orrery.kernel.types.provisioning import Provisioning
from orrery.platform import importing, process

console = Console()


async def own_house(
    stack: AsyncExitStack, chosen: settings.Settings, mapping: dict[str, Any], tenant: str
) -> httpx2.AsyncClient:
    """A client of a house in this process, with the tenant made if it is not there."""
    runtime: Runtime = await stack.enter_async_context(process.connected(chosen))
    await runtime.migrate()
    runtime.serve(runtime.services)
    runtime.start_background()
    if all(known.code != tenant for known in await runtime.tenants()):
        await runtime.provision(
            Provisioning(
                tenant=tenant,
                title=mapping["title"],
                admin_email=f"admin@{tenant}.example",
                admin_password=settings.demo_password(),
                currency=mapping["currency"],
            )
        )
    gateway = next(s.name for s in runtime.services.values() if s.is_gateway)
    return httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=runtime.apps[gateway]),
        base_url="http://orrery",
        timeout=120,
    )


async def run(
    chosen: settings.Settings,
    folder: Path,
    name: str,
    *,
    url: str | None,
    tenant: str,
    email: str,
    password: str,
) -> bool:
    """Import, wait for the dashboard, print the report; tells whether the totals agree."""
    mapping = importing.mapping_of(name)
    async with AsyncExitStack() as stack:
        if url is None:
            client = await own_house(stack, chosen, mapping, tenant)
        else:
            client = httpx2.AsyncClient(base_url=url, timeout=120)
        await stack.enter_async_context(client)
        await importing.sign_in(client, tenant=tenant, email=email, password=password)
        report, _ = await importing.run_import(client, folder, name)
        people = next((s.created for s in report.steps if s.name == "employees"), 0)
        report.figures = await importing.settled_figures(
            client, mapping["as_of"], head_count=people
        )
    show(report, mapping)
    await asyncio.sleep(0)
    return report.agrees


def show(report: importing.Report, mapping: dict[str, Any]) -> None:
    """Print the report: rows, totals per year, dashboard, ageing."""
    console.print(f"\n[bold]{report.title}[/bold]. {report.rounding}")
    rows = Table("step", "read", "created", "refused", "reasons")
    for step in report.steps:
        reasons = ", ".join(f"{count} x {code}" for code, count in step.reasons.items())
        rows.add_row(step.name, str(step.read), str(step.created), str(step.refused), reasons)
    console.print(rows)
    totals = Table("year", "files", "books", "equal")
    for year in sorted(set(report.totals_of_files) | set(report.totals_of_books)):
        ours, theirs = report.totals_of_books.get(year), report.totals_of_files.get(year)
        totals.add_row(year, str(theirs), str(ours), "yes" if ours == theirs else "[red]NO[/red]")
    console.print(totals)
    for total in report.ageing["totals"]:
        ageing = Table(title=f"Receivables by age as of {mapping['as_of']}")
        for name in total:
            ageing.add_column(name)
        ageing.add_row(*(str(value) for value in total.values()))
        console.print(ageing)
    figures = Table("figure", "value", title=f"Dashboard as of {mapping['as_of']}")
    for name, value in report.figures.items():
        figures.add_row(name, str(value))
    console.print(figures)
