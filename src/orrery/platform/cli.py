"""The command ``orrery``."""

import asyncio
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from rich.console import Console

from orrery.kernel import log, migrate, settings
from orrery.kernel.embedded import Embedded
from orrery.kernel.service import discover

app = App(name="orrery", help="An open ERP: one process on a laptop, a fleet in production.")
new = App(name="new", help="Scaffold what the house is built of.")
app.command(new)
console = Console()


def main() -> None:
    """Run the command line."""
    chosen = settings.read(settings.Settings)
    log.configure(level=chosen.log_level, form=chosen.log_format)
    app()


@new.command
def revision(
    service: str,
    message: str = "start",
    *,
    chain: Annotated[str, Parameter(help="tenant or platform")] = "tenant",
) -> None:
    """Write the next migration of a service by comparing its tables with its revisions."""
    server = Embedded(Path("/tmp/orrery-drafts"))  # noqa: S108 - an empty throw-away server
    try:
        path = migrate.write_revision(discover(only=[service])[service], chain, message, server.url)
        console.print(f"Wrote {path}")
    finally:
        server.stop()


if __name__ == "__main__":
    main()

__all__ = ["app", "asyncio", "main"]
