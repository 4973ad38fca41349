"""History by trigger: who changed what, when, on whose behalf, before and after (AUD-1).

One statement-level trigger function per schema keeps the cost of a set of lines at one insert.
The function runs as its owner, so that a tenant's role can read the history but never write it.
"""

import json
from datetime import datetime
from decimal import Decimal
from typing import Any, LiteralString
from uuid import UUID

from sqlalchemy import MetaData

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
        insert into "{schema}".history
            (actor, on_behalf_of, request_id, table_name, record_id, verb, before, after)
        select told->>'actor', told->>'behalf', told->>'request', tg_table_name, n.id,
               'update', to_jsonb(o), to_jsonb(n)
        from new_rows n join old_rows o on o.id = n.id
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
