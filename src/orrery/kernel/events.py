"""Events on the wire and in the log: CloudEvents 1.0 around frozen dataclasses (DESIGN 6)."""

import importlib
import pkgutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, LiteralString, cast
from uuid import UUID

import orjson
from pydantic import TypeAdapter

from orrery.kernel.types.event import Event
from orrery.kernel.types.ids import new_id

# The service's own schema: the log of what it announced, the queue of what it must react to, and
# the answers it gave under an idempotency key. Row security keeps a tenant's role to its own rows.
TABLES = """
create table outbox (
    seq bigint generated always as identity primary key, id uuid not null unique,
    tenant text not null, name text not null, subject text not null, at timestamptz not null,
    actor text, on_behalf_of text, request_id text, data jsonb not null, delivered_at timestamptz);
create index ix_outbox_undelivered on outbox (seq) where delivered_at is null;
create index ix_outbox_tenant on outbox (tenant, seq);
create table inbox (
    seq bigint generated always as identity, event_id uuid not null, reaction text not null,
    tenant text not null, name text not null, subject text not null, at timestamptz not null,
    actor text, on_behalf_of text, request_id text, data jsonb not null,
    state text not null default 'pending' check (state in ('pending', 'done', 'dead')),
    attempts integer not null default 0, next_at timestamptz not null default now(),
    done_at timestamptz, error text, primary key (event_id, reaction));
create index ix_inbox_pending on inbox (reaction, tenant, subject, seq) where state = 'pending';
create index ix_inbox_due on inbox (next_at, seq) where state = 'pending';
create index ix_inbox_dead on inbox (tenant, seq) where state = 'dead';
create table idempotency_key (
    tenant text not null, actor text not null, key text not null, request_hash bytea not null,
    status integer, body bytea, created_at timestamptz not null default now(),
    primary key (tenant, actor, key));
create index ix_idempotency_key_created_at on idempotency_key (created_at);
grant select, insert on outbox to "{group}";
grant select, insert, update on idempotency_key to "{group}";
grant select on inbox to "{group}";
alter table outbox enable row level security;
alter table inbox enable row level security;
alter table idempotency_key enable row level security;
create policy own_rows on outbox using (tenant = split_part(current_user, '__', 1));
create policy own_rows on inbox using (tenant = split_part(current_user, '__', 1));
create policy own_rows on idempotency_key using (tenant = split_part(current_user, '__', 1));
"""


@dataclass(frozen=True)
class Letter:
    """An event as it travels: its data with who announced it, for whom, when."""

    id: UUID
    tenant: str
    name: str
    subject: str
    at: datetime
    actor: str | None
    on_behalf_of: str | None
    request_id: str | None
    data: dict[str, Any]

    def cloud_event(self) -> dict[str, Any]:
        """The wire form (CloudEvents 1.0 JSON)."""
        return {
            "specversion": "1.0",
            "id": str(self.id),
            "source": f"/{self.name.partition('.')[0]}",
            "type": self.name,
            "subject": self.subject,
            "time": self.at.isoformat(),
            "datacontenttype": "application/json",
            "orrerytenant": self.tenant,
            "orreryactor": self.actor,
            "orrerybehalf": self.on_behalf_of,
            "orreryrequest": self.request_id,
            "data": self.data,
        }


# Found by name: the kernel stands below the contracts and may not import them.
CONTRACTS = "orrery.contracts"


@cache
def registry() -> Mapping[str, type[Event]]:
    """Every event of every contract by its name; contracts are found, not listed."""
    package = importlib.import_module(CONTRACTS)
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{CONTRACTS}.{module.name}")
    declared = [e for e in _subclasses(Event) if e.__module__.startswith(f"{CONTRACTS}.")]
    return {event.name: event for event in sorted(declared, key=lambda event: event.name)}


def _subclasses(kind: type[Event]) -> list[type[Event]]:
    return [event for child in kind.__subclasses__() for event in [child, *_subclasses(child)]]


def all_events() -> list[type[Event]]:
    """Every event class, in the order of their names."""
    return list(registry().values())


_adapters: dict[str, TypeAdapter[Any]] = {}


def _adapter(kind: type[Event]) -> TypeAdapter[Any]:
    if kind.name not in _adapters:
        _adapters[kind.name] = TypeAdapter(kind)
    return _adapters[kind.name]


def encode(event: Event) -> dict[str, Any]:
    """An event's data as JSON values; decimals become strings."""
    return cast(dict[str, Any], _adapter(type(event)).dump_python(event, mode="json"))


def decode(name: str, data: Mapping[str, Any]) -> Event:
    """The event of a name and its data; unknown fields of a newer sender are left out."""
    kind = registry().get(name) or next(e for e in _subclasses(Event) if e.name == name)
    return cast(Event, _adapter(kind).validate_python(dict(data)))


def json_schemas() -> dict[str, dict[str, Any]]:
    """The JSON Schema of every event, by name (docs/contracts)."""
    return {name: _adapter(kind).json_schema() for name, kind in registry().items()}


WRITE: LiteralString = (
    "insert into outbox (id, tenant, name, subject, at, actor, on_behalf_of, request_id, data)"
    " select id, %(tenant)s, name, subject, %(at)s, %(actor)s, %(behalf)s, %(request)s, data"
    " from jsonb_to_recordset(%(posts)s::jsonb) as e (id uuid, name text, subject text, data jsonb)"
)


def letters(caller: Any, events: Sequence[Event]) -> list[Letter]:
    """Address events: announced now by a caller."""
    return [
        Letter(
            id=new_id(),
            tenant=caller.tenant,
            name=event.name,
            subject=event.subject,
            at=caller.now,
            actor=caller.actor,
            on_behalf_of=caller.on_behalf_of,
            request_id=caller.request_id,
            data=encode(event),
        )
        for event in events
    ]


async def write(tx: Any, events: Sequence[Event]) -> None:
    """Put events into the outbox of the service, in the transaction that made them true."""
    # One JSON value costs a tenth of adapting an array per column; an import announces thousands.
    posts = [
        {"id": post.id, "name": post.name, "subject": post.subject, "data": post.data}
        for post in letters(tx.caller, events)
    ]
    await tx.run(
        WRITE,
        tenant=tx.caller.tenant,
        at=tx.caller.now,
        actor=tx.caller.actor,
        behalf=tx.caller.on_behalf_of,
        request=tx.caller.request_id,
        posts=orjson.dumps(posts).decode(),
    )
