"""The statements that the prototype of the data layer sends, and the documents it writes."""

import re
from decimal import Decimal
from itertools import count
from uuid import uuid4

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql.psycopg import dialect

TENANTS = ("t1__sales", "t2__sales")
CALLER = "00000000-0000-7000-8000-000000000001"
DDL = """
create table invoice (id uuid primary key, number text not null, customer_id uuid not null, state text not null,
    net numeric(18, 2) not null, tax numeric(18, 2) not null, issued_on date not null default current_date,
    due_on date not null default current_date + 30, currency text not null default 'EUR',
    version int not null default 1);
create table invoice_line (invoice_id uuid references invoice, position int, description text not null,
    quantity numeric(18, 6) not null, unit_price numeric(18, 6) not null, net numeric(18, 2) not null,
    primary key (invoice_id, position));
create table outbox (seq bigint generated always as identity primary key, subject uuid not null, type text not null,
    body jsonb not null);
create table history (seq bigint generated always as identity primary key, of text not null, caller text not null,
    at timestamptz not null default now(), after jsonb not null);
create function remember() returns trigger language plpgsql as $$ begin
    insert into history (of, caller, after)
        select tg_table_name, current_setting('orrery.caller'), to_jsonb(fresh) from fresh;
    return null;
end $$;
create trigger remember after insert on invoice referencing new table as fresh
    for each statement execute function remember();
create trigger remember after insert on invoice_line referencing new table as fresh
    for each statement execute function remember();
insert into invoice (id, number, customer_id, state, net, tax) select uuidv7(), 'INV-' || n, uuidv7(),
    case when mod(n, 3) = 0 then 'draft' else 'sent' end, n, n * 0.19 from generate_series(1, 5000) n
"""
TYPES = {
    "id": sa.Uuid,
    "number": sa.Text,
    "customer_id": sa.Uuid,
    "state": sa.Text,
    "net": sa.Numeric,
    "tax": sa.Numeric,
}
TYPES |= {"issued_on": sa.Date, "due_on": sa.Date, "currency": sa.Text, "version": sa.Integer}
INVOICE = sa.table("invoice", *(sa.column(name, kind) for name, kind in TYPES.items()))
LINES = {"invoice_id": sa.Uuid, "position": sa.Integer, "description": sa.Text}
LINES |= dict.fromkeys(("quantity", "unit_price", "net"), sa.Numeric)
LINE = sa.table("invoice_line", *(sa.column(name, kind) for name, kind in LINES.items()))
OUTBOX = sa.table(
    "outbox", sa.column("subject", sa.Uuid), sa.column("type", sa.Text), sa.column("body", JSONB)
)
SCOPE = (
    "select set_config('role', %(role)s, true), set_config('search_path', %(role)s, true),"
    " set_config('orrery.caller', %(caller)s, true)"
)
PAIRS = ", ".join(
    f"'{name}', {name}{'::text' if kind is sa.Numeric else ''}" for name, kind in TYPES.items()
)
PAGE = f"select {', '.join(TYPES)} from invoice where state = %(state)s order by id desc limit 50"
PAGE_JSON = f"select coalesce(json_agg(json_build_object({PAIRS})), '[]')::text from ({PAGE}) page"
LOAD = "select id, number, state, version from invoice where state = %(state)s order by id limit 1"
ADD_INVOICE = (
    "insert into invoice (id, number, customer_id, state, net, tax)"
    " values (%(id)s, %(number)s, %(customer_id)s, %(state)s, %(net)s, %(tax)s)"
)
INTO_LINES = "insert into invoice_line (invoice_id, position, description, quantity, unit_price, net) select %(id)s, * from "
ADD_LINES = INTO_LINES + (
    "unnest(%(position)s::int[], %(description)s::text[], %(quantity)s::numeric[], %(unit_price)s::numeric[],"
    " %(line_net)s::numeric[])"
)
ADD_LINES_JSON = INTO_LINES + (
    "json_to_recordset(%(lines)s)"
    " as l (position int, description text, quantity numeric, unit_price numeric, net numeric)"
)
ANNOUNCE = "insert into outbox (subject, type, body) values (%(id)s, 'created', %(body)s)"


def numbered(statement: str) -> str:
    """The statement with $1, $2 ... as libpq takes it."""
    names = list(dict.fromkeys(re.findall(r"%\((\w+)\)s", statement)))
    return re.sub(r"%\((\w+)\)s", lambda m: f"${names.index(m[1]) + 1}", statement)


def core_json(page: sa.Subquery) -> sa.Select:
    """The JSON of a page as a Core statement, decimals as strings."""
    values = [sa.cast(c, sa.Text) if isinstance(c.type, sa.Numeric) else c for c in page.c]
    pairs = [
        part
        for c, value in zip(page.c, values, strict=True)
        for part in (sa.literal_column(f"'{c.name}'"), value)
    ]
    built = sa.func.json_agg(sa.func.json_build_object(*pairs))
    return sa.select(sa.cast(sa.func.coalesce(built, sa.literal_column("'[]'")), sa.Text))


TYPED = re.sub(r"(%\(\w+\)s)::(\w+\[\])", r"cast(\1 as \2)", ADD_LINES)
SCOPE_CORE, ADD_LINES_CORE = (
    sa.text(re.sub(r"%\((\w+)\)s", r":\1", text)) for text in (SCOPE, TYPED)
)
PAGE_CORE = (
    sa.select(*INVOICE.c)
    .where(INVOICE.c.state == sa.bindparam("state"))
    .order_by(INVOICE.c.id.desc())
    .limit(50)
)
PAGE_JSON_CORE = core_json(PAGE_CORE.subquery("page"))
COMPILED = PAGE_JSON_CORE.compile(dialect=dialect())
RENDERED, RENDERED_WITH = (
    str(COMPILED),
    {name: value for name, value in COMPILED.params.items() if name != "state"},
)

OWN = [numbered(text) for text in (SCOPE, PAGE_JSON, ADD_INVOICE, ADD_LINES_JSON, ANNOUNCE)]
SCOPE_OWN, PAGE_OWN, ADD_INVOICE_OWN, ADD_LINES_OWN, ANNOUNCE_OWN = OWN


def make_document() -> tuple[dict, list[dict]]:
    """An invoice of ten lines as an action would have decided it: head and lines."""
    head = {"id": uuid4(), "number": "INV-1", "customer_id": uuid4(), "state": "sent"}
    figures = {
        "quantity": Decimal("2.5"),
        "unit_price": Decimal("19.990000"),
        "net": Decimal("49.98"),
    }
    texts = [{"position": n, "description": f"Item number {n}, as ordered"} for n in range(1, 11)]
    lines = [{"invoice_id": head["id"], **text, **figures} for text in texts]
    return head | {"net": sum(line["net"] for line in lines), "tax": Decimal("94.96")}, lines


def columns_of(head: dict, lines: list[dict]) -> dict:
    """The lines as one array per column."""
    arrays = {
        name: [line[name] for line in lines]
        for name in ("position", "description", "quantity", "unit_price")
    }
    return arrays | {"id": head["id"], "line_net": [line["net"] for line in lines]}


def dump(value: object) -> str:
    """JSON text, decimals and ids as strings."""
    return orjson.dumps(value, default=str).decode()


_turn = count()


def scope() -> dict:
    """Requests of the tenants alternate, as they would."""
    return {"role": TENANTS[next(_turn) % 2], "caller": CALLER}
