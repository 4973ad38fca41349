"""Everything a tenant has, as a ZIP of JSON lines: one file per table, with a manifest."""

import json
import zipfile
from pathlib import Path

from psycopg import sql

from orrery.kernel import chains, clock
from orrery.kernel.runtime import Runtime
from orrery.kernel.tenancy import schema_of

FORMAT = "orrery-tenant-export/1"


async def export_tenant(runtime: Runtime, tenant: str, file: Path) -> int:
    """Write the export in one repeatable-read transaction; answers the number of rows."""
    known = await runtime.tenant(tenant)
    told: dict[str, dict[str, int | str]] = {}
    rows = 0
    async with runtime.database.connection() as connection:
        await connection.execute("begin isolation level repeatable read read only")
        try:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
                for service in runtime.services.values():
                    schema = schema_of(tenant, service.name)
                    told[service.name] = {"revision": chains.head(service, "tenant")}
                    cursor = await connection.execute(
                        "select tablename from pg_tables where schemaname = %s order by 1", [schema]
                    )
                    for (table,) in await cursor.fetchall():
                        count = 0
                        with archive.open(f"{service.name}/{table}.jsonl", "w") as out:
                            lines = connection.cursor(name="tenant_export")
                            await lines.execute(
                                sql.SQL("select to_jsonb(t)::text from {} t").format(
                                    sql.Identifier(schema, table)
                                )
                            )
                            async for (line,) in lines:
                                out.write(line.encode() + b"\n")
                                count += 1
                            await lines.close()
                        told[service.name][table] = count
                        rows += count
                manifest = {
                    "format": FORMAT,
                    "tenant": known.code,
                    "title": known.title,
                    "exported_at": clock.now().isoformat(),
                    "services": told,
                }
                archive.writestr("manifest.json", json.dumps(manifest, indent=2))
        finally:
            await connection.execute("rollback")
    return rows
