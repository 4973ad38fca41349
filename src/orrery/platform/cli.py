"""The command ``orrery``: run the house, look after tenants, extend it."""

import sys
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import uvloop
from cyclopts import App, Parameter
from rich.console import Console
from rich.table import Table

from orrery.kernel import log, migrate, settings, worker
from orrery.kernel.chains import Chain
from orrery.kernel.embedded import Embedded
from orrery.kernel.runtime import Runtime
from orrery.kernel.service import discover
from orrery.kernel.types.provisioning import Provisioning
from orrery.kernel.types.refusal import Refusal
from orrery.platform import docs, import_command, process, scaffold
from orrery.platform.export import export_tenant

app = App(name="orrery", help="An open ERP: one process on a laptop, a fleet in production.")
tenant_app = App(name="tenant", help="Add, list, suspend, export and drop tenants.")
new = App(name="new", help="Scaffold what the house is built of.")
events_app = App(name="events", help="Look at dead letters, replay them, rebuild projections.")
for part in (tenant_app, new, events_app):
    app.command(part)
console = Console()
problems = Console(stderr=True)

DEMO_LOGINS = ("admin", "assets", "accountant", "hr", "employee")


def main() -> None:
    """Run the command line; what was refused is said in one line."""
    chosen = settings.read(settings.Settings)
    log.configure(level=chosen.log_level, form=chosen.log_format)
    try:
        app()
    except (Refusal, settings.DefaultSecret, RuntimeError) as refusal:
        problems.print(f"[red]{refusal}[/red]")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


def run(work: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine on uvloop."""
    uvloop.run(work)


def chosen_settings(data: Path | None, port: int | None = None) -> settings.Settings:
    """The settings of the environment with what the command line says instead."""
    changes: dict[str, Any] = {}
    if data is not None:
        changes["data"] = data
    if port is not None:
        changes["port"] = port
    return settings.read(settings.Settings).model_copy(update=changes)


@app.command
def up(*, port: int | None = None, data: Path | None = None, demo: bool = True) -> None:
    """Start everything in one process: PostgreSQL, every service, worker and gateway."""
    chosen = chosen_settings(data, port)

    def announce(runtime: Runtime) -> None:
        console.print(
            f"\n[bold]Orrery[/bold] is at [bold]http://{chosen.host}:{chosen.port}[/bold]"
        )
        console.print(f"{len(runtime.services)} services, data in {chosen.data.resolve()}")
        if demo:
            console.print("Tenant [bold]demo[/bold], sign in as one of")
            for login in DEMO_LOGINS:
                console.print(f"  {login}@demo.example", highlight=False)
            console.print(f"with the password {settings.demo_password()}", highlight=False)
        console.print("Ctrl-C stops it.\n")

    run(process.up(chosen, announce, demo=demo))


@app.command
def serve(
    *services: str, host: str | None = None, port: int = 8100, data: Path | None = None
) -> None:
    """Start only some services in this process; ORRERY_NEIGHBOURS says where the others are."""
    known = discover()
    unknown = sorted(set(services) - set(known))
    if not services or unknown:
        raise RuntimeError(f"Name services out of {', '.join(known)}; unknown: {unknown}")
    chosen = chosen_settings(data)
    run(process.serve(chosen, services, host=host or chosen.host, port=port))


@app.command
def gateway(*, host: str | None = None, port: int | None = None, data: Path | None = None) -> None:
    """Start the public door alone."""
    chosen = chosen_settings(data, port)
    name = next(service.name for service in discover().values() if service.is_gateway)
    run(process.serve(chosen, [name], host=host or chosen.host, port=chosen.port))


@app.command(name="worker")
def worker_command(*, data: Path | None = None) -> None:
    """Start relay, reactions, jobs and cron alone."""
    run(process.work(chosen_settings(data)))


@app.command(name="migrate")
def migrate_command(*, data: Path | None = None, parallel: int = 4, status: bool = False) -> None:
    """Bring every schema to the newest revision; what is done already is passed over."""

    async def work() -> None:
        async with process.connected(chosen_settings(data)) as runtime:
            every = list(runtime.services.values())
            await migrate.migrate_platform(runtime.database, every)
            async with runtime.database.connection() as connection, connection.transaction():
                await runtime.jobs.prepare(connection)
            waiting = await migrate.pending(runtime.database, every)
            console.print(f"{len(waiting)} tenant schemas are to be migrated.")
            if not status:
                await _migrate(runtime, len(waiting), parallel)

    run(work())


async def _migrate(runtime: Runtime, count: int, parallel: int) -> None:
    table = Table("schema", "from", "to", "problem")
    failed = done = 0
    every = list(runtime.services.values())
    async for report in migrate.migrate_tenants(runtime.database, every, parallel=parallel):
        done += 1
        failed += report.error is not None
        table.add_row(report.schema, report.before or "new", report.after, report.error or "")
        if done % 100 == 0 or done == count:
            console.print(f"{done} of {count}, {failed} failed")
    if count:
        console.print(table)
    if failed:
        raise RuntimeError(f"{failed} schemas failed; run `orrery migrate` again to take them up.")


@app.command(name="settings")
def settings_command() -> None:
    """Print the effective settings with secrets masked."""
    table = Table("setting", "value")
    kinds: list[tuple[str, Any]] = [("ORRERY_", settings.Settings)]
    kinds += [(f"ORRERY_{s.name.upper()}_", s.settings) for s in discover().values() if s.settings]
    for prefix, kind in kinds:
        for name, value in settings.masked(settings.read(kind)).items():
            table.add_row(f"{prefix}{name.upper()}", str(value))
    console.print(table)


@tenant_app.command(name="add")
def tenant_add(
    code: str,
    *,
    title: str | None = None,
    admin_email: str,
    admin_password: Annotated[str, Parameter(env_var="ORRERY_ADMIN_PASSWORD")],
    template: str = "company",
    currency: str = "EUR",
    country: str = "DE",
    time_zone: str = "Europe/Berlin",
    data: Path | None = None,
) -> None:
    """Make a tenant from a template, with its first administrator; all of it or nothing."""

    async def work() -> None:
        async with process.connected(chosen_settings(data)) as runtime:
            await runtime.migrate()
            await runtime.provision(
                Provisioning(
                    tenant=code,
                    title=title or code.capitalize(),
                    template=template,
                    admin_email=admin_email,
                    admin_password=admin_password,
                    currency=currency,
                    country=country,
                    time_zone=time_zone,
                )
            )
            console.print(f"Tenant {code} is ready; {admin_email} is its administrator.")

    run(work())


@tenant_app.command(name="list")
def tenant_list(*, data: Path | None = None) -> None:
    """List the tenants with their state."""

    async def work() -> None:
        async with process.connected(chosen_settings(data)) as runtime:
            table = Table("code", "title", "state", "time zone")
            for tenant in await runtime.tenants():
                table.add_row(tenant.code, tenant.title, tenant.state, tenant.time_zone)
            console.print(table)

    run(work())


@tenant_app.command(name="suspend")
def tenant_suspend(code: str, *, data: Path | None = None) -> None:
    """Shut a tenant out; its data stays."""
    run(_set_state(code, "suspended", data))


@tenant_app.command(name="resume")
def tenant_resume(code: str, *, data: Path | None = None) -> None:
    """Let a suspended tenant in again."""
    run(_set_state(code, "active", data))


async def _set_state(code: str, state: str, data: Path | None) -> None:
    async with process.connected(chosen_settings(data)) as runtime:
        await runtime.set_state(code, state)
        console.print(f"Tenant {code} is {state}.")


@tenant_app.command(name="export")
def tenant_export(code: str, file: Path, *, data: Path | None = None) -> None:
    """Write everything a tenant has into a ZIP of JSON lines, one file per table."""

    async def work() -> None:
        async with process.connected(chosen_settings(data)) as runtime:
            count = await export_tenant(runtime, code, file)
            console.print(f"Wrote {count} rows to {file}.")

    run(work())


@tenant_app.command(name="drop")
def tenant_drop(code: str, *, confirm: str, data: Path | None = None) -> None:
    """Remove a tenant with everything it has; ``--confirm`` repeats its code."""
    if confirm != code:
        raise RuntimeError("Nothing was dropped: --confirm must repeat the tenant's code.")

    async def work() -> None:
        async with process.connected(chosen_settings(data)) as runtime:
            await runtime.drop(code)
            console.print(f"Tenant {code} is gone.")

    run(work())


@events_app.command(name="dead")
def events_dead(service: str, *, tenant: str | None = None, data: Path | None = None) -> None:
    """List what a service gave up on."""

    async def work() -> None:
        async with process.connected(chosen_settings(data)) as runtime:
            table = Table("event", "reaction", "tenant", "name", "attempts", "error")
            for row in await worker.dead_letters(runtime.database, service, tenant):
                table.add_row(str(row[0]), row[1], row[2], row[3], str(row[6]), row[7])
            console.print(table)

    run(work())


@events_app.command(name="replay")
def events_replay(service: str, *, tenant: str | None = None, data: Path | None = None) -> None:
    """Give a service's dead letters another chance."""

    async def work() -> None:
        async with process.connected(chosen_settings(data)) as runtime:
            count = await worker.replay(runtime.database, service, tenant=tenant)
            console.print(f"{count} dead letters will be tried again.")

    run(work())


@events_app.command(name="rebuild")
def events_rebuild(service: str, tenant: str, *, data: Path | None = None) -> None:
    """Empty a service's projections and fill them again from the log."""

    async def work() -> None:
        async with process.connected(chosen_settings(data)) as runtime:
            count = await runtime.rebuild(service, tenant)
            console.print(f"{service} was rebuilt for {tenant} from {count} events.")

    run(work())


@app.command(name="import")
def import_files(
    folder: Path,
    *,
    mapping: Annotated[str, Parameter(help="a shipped mapping or a .toml file")] = "northwind",
    url: Annotated[str | None, Parameter(help="a running house; its own when left out")] = None,
    tenant: str | None = None,
    email: str | None = None,
    password: Annotated[str | None, Parameter(env_var="ORRERY_PASSWORD")] = None,
    data: Path | None = None,
) -> None:
    """Load foreign files into a tenant through the public API, and print what became of them."""
    code = tenant or Path(mapping).stem
    work = import_command.run(
        chosen_settings(data),
        folder,
        mapping,
        url=url,
        tenant=code,
        email=email or f"admin@{code}.example",
        password=password or settings.demo_password(),
    )
    if not uvloop.run(work):
        raise RuntimeError("The books' totals differ from the files'.")


@app.command(name="docs")
def docs_command(*, write: bool = False, check: bool = False) -> None:
    """Write the generated documents, or check that they are fresh."""
    broken = docs.incompatible()
    if broken:
        raise RuntimeError("An event changed incompatibly: " + "; ".join(broken))
    if write:
        console.print(f"Wrote {len(docs.write())} documents.")
    elif check and (old := docs.stale()):
        raise RuntimeError(f"Run `orrery docs --write`; not fresh: {', '.join(old[:10])}")


@new.command(name="service")
def new_service(name: str) -> None:
    """Scaffold a service that passes every check."""
    for path in scaffold.service(name):
        console.print(f"Wrote {path.relative_to(docs.ROOT)}", highlight=False)
    new_revision(name)
    docs.write()
    console.print(f"Start it with `orrery up`; it is at /api/v1/{name}/kinds.")


@new.command(name="revision")
def new_revision(
    service: str,
    message: str = "start",
    *,
    chain: Annotated[Chain, Parameter(help="tenant or platform")] = "tenant",
) -> None:
    """Write a service's next migration by comparing its tables with its revisions."""
    from orrery.kernel import revisions  # Alembic is slow to import, and only needed here

    with tempfile.TemporaryDirectory(prefix="orrery-draft-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        server = Embedded(Path(folder))
        try:
            path = revisions.write_revision(
                discover(only=[service])[service], chain, message, server.url
            )
            console.print(f"Wrote {path}")
        finally:
            server.stop()


if __name__ == "__main__":
    main()
