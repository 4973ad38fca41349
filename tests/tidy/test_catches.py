"""Every tidy check catches what it is there for, and lets its innocent neighbour pass."""

import re
from pathlib import Path

import pytest

from tests.tidy.bans import BANS
from tests.tidy.ratchet import complaints, grown
from tests.tidy.sizes import SIZES
from tests.tidy.source import Check, Offence, read_modules
from tests.tidy.tables import TABLES, tables_in

CHECKS = {check.name: check for check in [*BANS, *TABLES, *SIZES]}
ROUTER = '@router.post("/{id}/pay")\nasync def pay(id, tx, caller):\n    """Pay."""\n'

# check, file, source, what it must find there
PLANTED = [
    ("unreadable", "kernel/db.py", "def f[T](x: T) -> T:\n    return x", "not the Python of 3.11"),
    ("commits", "services/shop/actions.py", "await tx.session.commit()", "tx.session.commit()"),
    ("commits", "kernel/history.py", "connection().commit()", ".commit()"),
    ("commits", "services/shop/actions.py", "await tx.run('COMMIT')", "the statement commit"),
    ("tenant_names", "services/shop/queries.py", "q = 'set search_path to x'", "the words"),
    ("tenant_names", "kernel/db.py", "q = 'SET LOCAL ROLE x'", "the words"),
    ("tenant_names", "kernel/db.py", "q = 'select set_config(%s, %s, true)'", "the words"),
    ("tenant_names", "platform/cli.py", "q = 'create schema x'", "the words"),
    ("tenant_names", "kernel/events.py", "schema = f'{tenant}__{service}'", "a schema name"),
    ("tenant_names", "kernel/events.py", "schema = tenant + '__' + service", "a schema name"),
    ("tenant_names", "kernel/events.py", "tenant, service = role.split('__')", "a schema name"),
    ("tenant_names", "services/shop/seed.py", "home = 'acme__shop'", "a schema name"),
    ("system_clock", "services/shop/jobs.py", "when = datetime.now(UTC)", "datetime.now"),
    ("system_clock", "kernel/db.py", "import datetime\nd = datetime.date.today()", "date.today"),
    ("system_clock", "kernel/db.py", "clock = datetime.utcnow", "datetime.utcnow"),
    (
        "system_clock",
        "services/shop/queries.py",
        "q = 'select current_date'",
        "current_date in SQL",
    ),
    ("floats", "services/shop/models.py", "price: Mapped[float]", "the type float"),
    ("floats", "services/shop/rules.py", "rate = total * 0.19", "the number 0.19"),
    ("floats", "services/shop/rules/taxes.py", "rate = float('1')", "the type float"),
    ("floats", "services/shop/queries.py", "total = float(row.total)", "the type float"),
    ("floats", "contracts/shop.py", "amount: float | None", "the type float"),
    ("floats", "kernel/types/money.py", "x: dict[str, float]", "the type float"),
    ("http_exceptions", "services/shop/api.py", "raise HTTPException(400)", "HTTPException"),
    ("http_exceptions", "services/shop/api.py", "from fastapi import HTTPException", "HTTPExc"),
    ("prints", "services/shop/seed.py", "print('done')", "print()"),
    ("environment", "kernel/db.py", "import os\nurl = os.environ['URL']", "os.environ"),
    ("environment", "services/shop/settings.py", "url = os.getenv('URL')", "os.getenv"),
    ("environment", "services/shop/seed.py", "from os import environ", "os.environ"),
    ("open_ends", "services/shop/rules.py", "x = 1  # TODO: round", "TODO"),
    ("open_ends", "services/shop/rules.py", '"""FIXME later."""', "FIXME"),
    ("open_ends", "services/shop/rules.py", "raise NotImplementedError", "NotImplementedError"),
    ("unexplained", "kernel/db.py", "x = f()  # type: ignore[no-any-return]", "# type: ignore"),
    ("unexplained", "kernel/db.py", "x = f()  # noqa: S608", "# noqa"),
    ("unexplained", "kernel/db.py", "x = f()  # noqa", "# noqa"),
    ("vague_files", "services/shop/rules/helpers.py", "", "a file called helpers"),
    ("vague_files", "kernel/utils/text.py", "", "a file called utils"),
    ("vague_files", "contracts/common.py", "", "a file called common"),
    ("glued_sql", "services/shop/queries.py", "q = f'select * from {table}'", "an f-string"),
    ("glued_sql", "services/shop/queries.py", "q = f'''\n  with x as (select {a}) '''", "an f-str"),
    ("glued_sql", "services/shop/queries.py", "q = 'delete from a where b = %s' % b", "SQL filled"),
    (
        "glued_sql",
        "services/shop/queries.py",
        "q = 'select {}'.format(x)",
        "SQL filled with format",
    ),
    (
        "glued_sql",
        "services/shop/queries.py",
        "q = 'select a from b order by ' + sort",
        "SQL joined",
    ),
    ("outside_calls", "services/shop/actions.py", "await tx.neighbour('x').get('/')", "tx.neigh"),
    ("strange_tables", "services/shop/queries.py", "q = 'select id from bin'", "the table bin"),
    ("strange_tables", "services/shop/queries.py", "q = 'SELECT id FROM bin'", "the table bin"),
    ("strange_tables", "services/shop/queries.py", "q = 'select 1 from store.item'", "store.item"),
    ("strange_tables", "services/shop/actions.py", "q = 'update bin set a = 1'", "the table bin"),
    ("strange_tables", "services/shop/actions.py", "q = 'insert into bin (a) values (1)'", "bin"),
    ("strange_tables", "services/shop/actions.py", "q = 'delete from bin using item'", "bin"),
    (
        "strange_tables",
        "services/shop/queries.py",
        "j = 'left join bin b on b.id = t.bin_id'",
        "bin",
    ),
    ("strange_tables", "services/shop/queries.py", "q = f'select 1 from bin where {x}'", "bin"),
    ("strange_tables", "services/shop/queries.py", "w = ' and (select 1 from bin) > 0'", "bin"),
    ("strange_keys", "services/shop/models.py", "ForeignKey('bin.id')", "a foreign key to bin.id"),
    ("strange_keys", "services/shop/models.py", "sa.ForeignKey('store.item.id')", "a foreign key"),
    (
        "strange_keys",
        "services/shop/models.py",
        "ForeignKeyConstraint(['a'], ['bin.id'])",
        "a foreign key to bin.id",
    ),
    ("long_functions", "kernel/db.py", "def f():\n" + "    x = 1\n" * 70, "f() is too long"),
    ("long_files", "kernel/db.py", "x = 1\n" * 401, "the file is too long"),
    ("long_routes", "services/shop/api.py", ROUTER + "    x = 1\n" * 11, "the route pay() is too"),
    (
        "long_routes",
        "services/shop/api.py",
        ROUTER + "    try:\n        x()\n    except OSError:\n        y()\n",
        "the route pay() holds a try",
    ),
    ("kernel_budget", "kernel/big.py", "x = 1\n" * 3_501, "more than 3500 lines of code"),
    ("kernel_budget", "kernel/exchange/big.py", "x = 1\n" * 1_501, "more than 1500 lines in"),
]

# What stands right beside the ban and is fine: file, source
INNOCENT = [
    ("kernel/db.py", "await connection.commit()"),
    ("services/shop/actions.py", '"""Nobody calls session.commit() or sets the search_path."""'),
    ("kernel/tenancy.py", "q = f'{tenant}__{service}' + ' set_config search_path'"),
    ("services/shop/models.py", "class Item:\n    __tablename__ = 'item'"),
    ("kernel/clock.py", "when = datetime.now(UTC)"),
    ("services/shop/actions.py", "when = caller.today"),
    ("services/shop/actions.py", "await asyncio.sleep(0.5)"),
    ("services/shop/rules.py", "rate = Decimal('0.19')"),
    ("kernel/http.py", "from starlette.exceptions import HTTPException"),
    ("platform/cli.py", "console.print('done')"),
    ("kernel/settings.py", "import os\nhome = os.environ"),
    ("services/shop/rules.py", "code = 'EMP-XXX'"),
    ("kernel/db.py", "x = f()  # type: ignore[no-any-return]  # psycopg types rows as Any"),
    ("kernel/db.py", "x = f()  # noqa: S608 - the name comes from table metadata"),
    ("services/shop/queries.py", "q = 'select a from item' + PAID + ' order by id'"),
    ("services/shop/queries.py", "label = f'Select {count} of the items from {shop}'"),
    ("services/shop/neighbours.py", "await tx.neighbour('store').get('/bins')"),
    ("services/shop/queries.py", "q = 'select i.id from item i join item_line l on l.id = i.id'"),
    ("services/shop/queries.py", "q = 'with late as (select 1 from item) select * from late'"),
    ("services/shop/queries.py", "q = 'select extract(year from sold_on) from item'"),
    ("services/shop/queries.py", "q = 'select * from unnest(%(ids)s::uuid[]) as given(id)'"),
    ("services/shop/actions.py", "q = 'select id from item where a is distinct from b for update'"),
    ("services/shop/models.py", "ForeignKey('item.id')"),
    ("kernel/db.py", "def f():\n" + "    x = 1\n" * 69),
    ("kernel/db.py", "x = 1\n" * 400),
    ("services/shop/migrations/tenant/0001_start.py", "def f():\n" + "    x = 1\n" * 401),
    ("services/shop/api.py", ROUTER + "    x = 1\n" * 10),
]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A small tidy source: two services, one owning item and item_line, the other bin."""
    plant(tmp_path, "services/shop/models/items.py", "class Item:\n    __tablename__ = 'item'\n")
    plant(tmp_path, "services/shop/models/lines.py", "class Li:\n    __tablename__ = 'item_line'\n")
    plant(tmp_path, "services/store/models.py", "class Bin:\n    __tablename__ = 'bin'\n")
    return tmp_path


def plant(tree: Path, path: str, source: str) -> None:
    target = tree / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(source)


def found(check: Check, tree: Path) -> list[Offence]:
    return list(check.find(read_modules(tree)))


@pytest.mark.parametrize("name, path, source, what", PLANTED)
def test_a_planted_offence_is_caught(
    tree: Path, name: str, path: str, source: str, what: str
) -> None:
    assert found(CHECKS[name], tree) == []
    plant(tree, path, source)
    offences = found(CHECKS[name], tree)
    assert [(offence.path, what in offence.what) for offence in offences] == [
        ("kernel" if name == "kernel_budget" else path, True)
    ]


@pytest.mark.parametrize("path, source", INNOCENT)
def test_an_innocent_neighbour_passes(tree: Path, path: str, source: str) -> None:
    plant(tree, path, source)
    assert [str(offence) for check in CHECKS.values() for offence in found(check, tree)] == []


def test_every_check_has_a_planted_offence() -> None:
    assert {name for name, _, _, _ in PLANTED} == set(CHECKS)


def test_too_many_kernel_files_are_caught(tree: Path) -> None:
    for number in range(35):
        plant(tree, f"kernel/part_{number}.py", "")
        plant(tree, f"kernel/types/part_{number}.py", "")
    assert found(CHECKS["kernel_budget"], tree) == []
    plant(tree, "kernel/part_35.py", "")
    assert [o.what for o in found(CHECKS["kernel_budget"], tree)] == ["more than 35 files"]


@pytest.mark.parametrize(
    "statement, tables",
    [
        (
            "select a from x, y b, lateral (select 1 from z) q where a = (select 1 from w)",
            "x y z w",
        ),
        ("with recursive t(a) as (select 1 from x union all select 1 from t) select * from t", "x"),
        (
            "with a as (insert into x (q) values (1) returning q), b as (select 1) select * from a",
            "x",
        ),
        ("insert into x (a) select 1 from y on conflict (a) do update set a = 1", "x y"),
        ("select 1 from x join y using (id) left join lateral unnest(q) as u on true", "x y"),
        (
            "select trim(both ' ' from a), count(*) filter (where b) from only x for update of x",
            "x",
        ),
        ("update x set a = q.a from y q where q.id = x.id and note = 'taken from stock'", "x y"),
        ('select 1 from "x" -- from hidden\n natural join s.y', "x s.y"),
        ("merge into x using y on x.id = y.id when matched then update set a = 1", "x y"),
        ("select 1 from x a left join y b on a.id = b.id, z order by a.id, b.id", "x y z"),
        ("lock table x; truncate table y; select f(a, b) from g(1) h, w", "x y w"),
    ],
)
def test_tables_are_read_from_statements(statement: str, tables: str) -> None:
    assert tables_in(statement) == tables.split()


def test_prose_and_blank_lines_cost_the_kernel_nothing(tree: Path) -> None:
    plant(tree, "kernel/big.py", '"""Why\nso."""\n' + "\n# because\nx = 1\n" * 3_000)
    assert read_modules(tree / "kernel")[0].code_lines == 3_000
    assert found(CHECKS["kernel_budget"], tree) == []


def test_a_new_offence_is_told_with_its_remedy() -> None:
    ban = CHECKS["prints"]
    offence = Offence("kernel/db.py", 3, "print()")
    assert complaints(ban, [offence], {}) == [f"kernel/db.py:3: print() ({ban.say})"]


def test_a_known_exception_is_quiet_and_an_unused_one_is_not() -> None:
    ban = CHECKS["prints"]
    offence = Offence("kernel/db.py", 3, "print()")
    known = {"prints": {"kernel/db.py: print()": "until the log has a console"}}
    assert complaints(ban, [offence], known) == []
    assert complaints(ban, [], known) == [
        "tests/tidy/ratchet.json: take out prints / kernel/db.py: print()"
    ]


def test_a_grown_ratchet_is_caught() -> None:
    before = {"prints": {"a.py: print()": "why"}}
    assert grown(before, {"prints": {}}) == []
    assert grown(before, {**before, "floats": {"b.py: the type float": "why"}}) == []
    longer = {"prints": {"a.py: print()": "why", "b.py: print()": "why"}}
    assert grown(before, longer) == ["prints / b.py: print()"]


def test_offence_keys_do_not_move_with_the_lines() -> None:
    assert not re.search(r"\d", Offence("a.py", 17, "print()").key)
