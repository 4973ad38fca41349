"""History by trigger: who changed what, when, on whose behalf, before and after (AUD-1).

One statement-level trigger function per schema keeps the cost of a set of lines at one insert.
The function runs as its owner, so that a tenant's role can read the history but never write it.
"""

import json
from datetime import datetime
from decimal import Decimal
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

from sqlalchemy import MetaData, Table

from orrery.kernel.types.refusal import Refusal

# Every name is qualified: a function that runs as its owner must not follow a caller's search path.
TABLES = """
create table history (
    id bigint generated always as identity primary key,
    at timestamptz not null default clock_timestamp(),
    actor text, on_behalf_of text, request_id text,
    table_name text not null, record_id uuid not null, verb text not null,
    before jsonb, after jsonb);
create index ix_history_record_id on history (record_id, id);
create index ix_history_request_id on history (request_id);
create table number_series (
    series text not null, unit_id uuid not null, period text not null,
    last bigint not null check (last > 0), primary key (series, unit_id, period));
create table import_batch (
    id uuid primary key, resource text not null, file_name text, format text not null,
    state text not null, dry_run boolean not null, columns jsonb not null, mapping jsonb not null,
    caller jsonb not null, rows_total integer not null, rows_read integer not null default 0,
    rows_created integer not null default 0, rows_changed integer not null default 0,
    rows_refused integer not null default 0, events integer not null default 0, error jsonb,
    created_by uuid, created_at timestamptz not null, started_at timestamptz,
    finished_at timestamptz, file bytea);
create index ix_import_batch_resource on import_batch (resource, id);
create table import_error (
    batch_id uuid not null references import_batch, number integer not null,
    errors jsonb not null, original jsonb not null, primary key (batch_id, number));
create function record_history() returns trigger language plpgsql security definer as $body$
declare
    told jsonb := coalesce(nullif(current_setting('orrery.caller', true), ''), '{}')::jsonb;
begin
    if tg_op = 'INSERT' then
        insert into "{schema}".history
            (actor, on_behalf_of, request_id, table_name, record_id, verb, after)
        select told->>'actor', told->>'behalf', told->>'request', tg_table_name, n.id,
               'insert', to_jsonb(n)
        from new_rows n;
    elsif tg_op = 'UPDATE' then
        -- A row that was given another id ends under the old one and begins under the new.
        insert into "{schema}".history
            (actor, on_behalf_of, request_id, table_name, record_id, verb, before, after)
        select told->>'actor', told->>'behalf', told->>'request', tg_table_name,
               coalesce(n.id, o.id),
               case when o.id is null then 'insert' when n.id is null then 'delete'
                    else 'update' end, to_jsonb(o), to_jsonb(n)
        from new_rows n full join old_rows o on o.id = n.id
        where to_jsonb(o) is distinct from to_jsonb(n);
    else
        insert into "{schema}".history
            (actor, on_behalf_of, request_id, table_name, record_id, verb, before)
        select told->>'actor', told->>'behalf', told->>'request', tg_table_name, o.id,
               'delete', to_jsonb(o)
        from old_rows o;
    end if;
    return null;
end $body$;
"""

TRIGGERS = """
create or replace trigger history_insert after insert on "{table}"
    referencing new table as new_rows for each statement execute function record_history();
create or replace trigger history_update after update on "{table}"
    referencing old table as old_rows new table as new_rows
    for each statement execute function record_history();
create or replace trigger history_delete after delete on "{table}"
    referencing old table as old_rows for each statement execute function record_history();
"""

TIMELINE: LiteralString = """
select h.id, h.at, h.actor, h.on_behalf_of, h.request_id, h.table_name as table,
       h.record_id::text, h.verb,
       (select coalesce(jsonb_object_agg(key, jsonb_build_array(h.before->key, h.after->key)), '{}')
        from jsonb_object_keys(coalesce(h.before, '{}') || coalesce(h.after, '{}')) as key
        where h.before->key is distinct from h.after->key and key <> 'version')::text as changes
from history h
where h.record_id = %(id)s
  and h.id < coalesce(%(below)s::bigint, 9223372036854775807)
order by h.id desc limit %(limit)s
"""


def kept(metadata: MetaData) -> list[str]:
    """The tables whose changes are kept: all but those that say ``info={"history": False}``,
    because what they hold must be forgotten (password hashes) or is only a clock (last seen)."""
    return [name for name, table in metadata.tables.items() if table.info.get("history", True)]


async def timeline(tx: Any, id: UUID, *, limit: int, below: int | None) -> list[Any]:
    """The changes of a record, newest first, each with its fields' old and new values."""
    rows = await tx.rows(TIMELINE, id=id, limit=limit, below=below)
    return [row._replace(changes=exact(row.changes)) for row in rows]


def exact(text: str) -> Any:
    """Stored JSON as values; numbers with a fraction become decimals, never binary fractions."""
    return json.loads(text, parse_float=Decimal)


async def as_of(tx: Any, table: str, id: UUID, at: datetime) -> dict[str, Any] | None:
    """The record as it was at an instant; None when it did not exist then."""
    row = await tx.row(
        "select after::text from history where record_id = %(id)s and table_name = %(table)s"
        " and at <= %(at)s order by id desc limit 1",
        id=id,
        table=table,
        at=at,
    )
    return exact(row.after) if row and row.after else None


async def all_as_of(tx: Any, table: str, at: datetime) -> list[dict[str, Any]]:
    """Every record of a table as it was at an instant."""
    rows = await tx.rows(
        "select after::text as after from"
        " (select distinct on (record_id) record_id, after from history"
        " where table_name = %(table)s and at <= %(at)s order by record_id, id desc) last"
        " where after is not null order by record_id",
        table=table,
        at=at,
    )
    return [exact(row.after) for row in rows]


# -------------------------------------------------------------------------------------- undo

NAMED_MAX = 100

# What a request did, in runs of one verb: inverting the runs from the last to the first leads
# through states that the tables were in before, so that no constraint stands in the way.
RUNS: LiteralString = """
select verb, min(id) as low, max(id) as high, array_agg(distinct table_name) as tables from (
    select id, verb, table_name, row_number() over (order by id)
           - row_number() over (partition by verb order by id) as run
    from history where request_id = %(request)s) h
group by verb, run order by max(id) desc
"""
CHANGED_LATER: LiteralString = """
select distinct h.table_name as table, h.record_id as id, h.request_id
from (select table_name, record_id, min(id) as first from history where request_id = %(request)s
      group by table_name, record_id) own
join history h on h.record_id = own.record_id and h.table_name = own.table_name
    and h.id > own.first and h.request_id is distinct from %(request)s
limit %(limit)s
"""
# Of several changes of a record in one run, the oldest says what was there before.
OLDEST = """
(select distinct on (record_id) record_id, before from history
 where request_id = %(request)s and table_name = '{table}' and verb = '{verb}'
   and id between %(low)s and %(high)s order by record_id, id) h
"""
# The row type is taken from the table, because a name such as "line" may be a type of PostgreSQL.
WAS = (
    "{oldest} cross join lateral"
    ' jsonb_populate_record((select none from "{table}" none where false), h.before) b'
)
INVERSE = {
    "insert": 'delete from "{table}" where id in (select record_id from {oldest})',
    "update": f'update "{{table}}" t set {{sets}} from {WAS} where t.id = h.record_id',
    "delete": f'insert into "{{table}}" ({{columns}}) select {{values}} from {WAS}',
}
TAKEN_BACK: LiteralString = """
select record_id as id, (array_agg(before order by id))[1]::text as before,
       (array_agg(after order by id desc))[1]::text as after
from history where request_id = %(request)s and table_name = %(table)s
group by record_id order by record_id
"""


class TakenBack(NamedTuple):
    """A record that is again what it was before a request, or gone when there was nothing."""

    id: UUID
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class NotUndoable(Refusal):
    """What was done cannot be taken back any more; the facts name the records in the way."""

    code = "kernel.not_undoable"


async def undo(tx: Any, metadata: MetaData, request: str) -> None:
    """Take back all that a request did in this service, whole. Refuses: NotUndoable."""
    runs = await tx.rows(RUNS, request=request)
    touched = {name for run in runs for name in run.tables}
    ordered = [table for table in metadata.sorted_tables if table.name in touched]
    await _refuse_what_stays(tx, metadata, ordered, request)
    for run in runs:
        part = [table for table in ordered if table.name in run.tables]
        for table in reversed(part) if run.verb == "insert" else part:
            await tx.run(_inverse(table, run.verb), request=request, low=run.low, high=run.high)


async def taken_back(tx: Any, table: str, request: str) -> list[TakenBack]:
    """The records of a table that a request had changed, for telling others that it did not."""
    rows = await tx.rows(TAKEN_BACK, table=table, request=request)
    return [TakenBack(r.id, *(exact(text) if text else None for text in r[1:])) for r in rows]


async def _refuse_what_stays(
    tx: Any, metadata: MetaData, touched: list[Table], request: str
) -> None:
    ledgers = [table.name for table in touched if table.info.get("kind") == "ledger"]
    if ledgers:
        raise NotUndoable(reason="ledger", tables=ledgers)
    for table in touched:
        await tx.run(
            f'select 1 from "{table.name}" where id in {_own(table)} order by id for update',
            request=request,
        )
    later = await tx.rows(CHANGED_LATER, request=request, limit=NAMED_MAX)
    if later:
        raise NotUndoable(reason="changed_later", records=[row._asdict() for row in later])
    for table in metadata.sorted_tables:
        for key in table.foreign_keys:
            parent = key.column.table
            if parent not in touched or key.column.name != "id":
                continue
            made = _own(parent, "and verb = 'insert'")
            rows = await tx.rows(
                f"select '{parent.name}' as table, \"{key.parent.name}\" as id,"
                f" '{table.name}' as by_table, id as by_id from \"{table.name}\""
                f' where "{key.parent.name}" in {made} and id not in {_own(table)}'
                " limit %(limit)s",
                request=request,
                limit=NAMED_MAX,
            )
            if rows:
                raise NotUndoable(reason="referenced", records=[row._asdict() for row in rows])


def _own(table: Table, more: str = "") -> str:
    return (
        "(select record_id from history where request_id = %(request)s"
        f" and table_name = '{table.name}' {more})"
    )


def _inverse(table: Table, verb: str) -> str:
    names = [column.name for column in table.columns if column.computed is None]
    sets = [f'"{name}" = b."{name}"' for name in names if name not in ("id", "version")]
    if "version" in names:
        sets.append("version = t.version + 1")
    return INVERSE[verb].format(
        table=table.name,
        oldest=OLDEST.format(table=table.name, verb=verb),
        sets=", ".join(sets),
        columns=", ".join(f'"{name}"' for name in names),
        values=", ".join(f'b."{name}"' for name in names),
    )
