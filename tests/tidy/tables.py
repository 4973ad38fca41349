"""Whose table is it: raw SQL and foreign keys of a service name its own tables only."""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tests.tidy.bans import looks_like_sql
from tests.tidy.source import Check, Module, Offence, text_of

TOKEN = re.compile(r"\"[^\"]*\"|[A-Za-z_]\w*(?:\.(?:\"[^\"]*\"|[A-Za-z_]\w*))*|[(),;]|\S")
NOISE = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|%\(\w+\)s|:\w+", re.DOTALL)
WITH_NAME = re.compile(
    r"(?:\bwith\b(?:\s+recursive)?|,)\s*(\w+)\s*(?:\([^()]*\))?"
    r"\s+as\s+(?:(?:not\s+)?materialized\s+)?\(",
    re.IGNORECASE,
)
# ``extract(year from issued_on)`` and its kin use FROM without naming a table.
FROM_FUNCTIONS = {"extract", "substring", "trim", "overlay"}
CLAUSES = set(
    "where group order having limit offset union except intersect returning set values window "
    "fetch for select".split()
)


def tables_in(statement: str) -> list[str]:
    """The tables and views a statement reads or writes, in order, without its own WITH names."""
    text = NOISE.sub(" $ ", statement)
    own_names = {name.lower() for name in WITH_NAME.findall(text)}
    found = [name for name in _named(TOKEN.findall(text)) if name.lower() not in own_names]
    return list(dict.fromkeys(found))


@dataclass
class Bracket:
    """Where the walk stands inside one pair of brackets."""

    opened_by: str = ""
    wants_table: bool = False
    in_from_list: bool = False  # a comma starts the next table


def _named(tokens: Sequence[str]) -> Iterator[str]:
    """Walk the tokens and yield the words that stand where a table must stand."""
    stack = [Bracket()]
    for before, token, after in zip(["", *tokens], tokens, [*tokens[1:], ""], strict=False):
        here, word, last = stack[-1], token.lower(), before.lower()
        if token == "(":
            here.wants_table = False
            stack.append(Bracket(opened_by=last))
        elif token == ")":
            stack = stack[:-1] or [Bracket()]
        elif token == ",":
            here.wants_table = here.in_from_list
        elif word == "from" and last != "distinct" and here.opened_by not in FROM_FUNCTIONS:
            here.wants_table = here.in_from_list = True
        elif _names_a_table(word, before=last, after=after):
            here.wants_table = True
        elif word in CLAUSES:
            here.wants_table = here.in_from_list = False
        elif here.wants_table and word not in ("only", "lateral", "table"):
            here.wants_table = False
            is_function = after == "(" and last not in ("into", "update")
            if not is_function and re.match(r"[\w\"]", token):
                yield token.replace('"', "")


def _names_a_table(word: str, *, before: str, after: str) -> bool:
    """Whether a keyword outside FROM is followed by a table."""
    return (
        word in ("join", "into")
        or (word == "using" and after != "(")
        or (word == "update" and before not in ("for", "do", "key", "on"))
        or (word == "table" and before in ("truncate", "lock"))
    )


def own_tables(modules: Sequence[Module]) -> Mapping[str, set[str]]:
    """The table names each service declares in its models."""
    owned: dict[str, set[str]] = {}
    for module in modules:
        if module.service is None:
            continue
        names = owned.setdefault(module.service, set())
        if module.kind == "models":
            names.update(_declared(module))
    return owned


def _declared(module: Module) -> Iterator[str]:
    for node in module.nodes:
        if isinstance(node, ast.Assign):
            if any(isinstance(t, ast.Name) and t.id == "__tablename__" for t in node.targets):
                yield text_of(node.value) or ""
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Table":
            yield from filter(None, map(text_of, node.args[:1]))


def strange_tables(modules: Sequence[Module]) -> Iterator[Offence]:
    """SQL of a service that names a table it does not own, or any schema."""
    owned = own_tables(modules)
    for module in modules:
        # A revision runs inside one schema, where no other table is in reach.
        if module.service is None or module.kind == "migrations":
            continue
        for line, text in module.strings:
            if looks_like_sql(text):
                for table in tables_in(text):
                    if table not in owned[module.service]:
                        yield Offence(module.path, line, f"the table {table}")


def strange_keys(modules: Sequence[Module]) -> Iterator[Offence]:
    """Foreign keys that leave the service."""
    owned = own_tables(modules)
    for module in modules:
        for node in module.nodes if module.service else ():
            if not isinstance(node, ast.Call):
                continue
            called = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if called in ("ForeignKey", "ForeignKeyConstraint"):
                for target in _targets(node, called):
                    table, _, _ = target.rpartition(".")
                    if table not in owned[module.service or ""]:
                        yield module.offence(node, f"a foreign key to {target}")


def _targets(call: ast.Call, called: str) -> Iterator[str]:
    position = 0 if called == "ForeignKey" else 1
    for argument in call.args[position : position + 1]:
        for node in ast.walk(argument):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


TABLES = [
    Check(
        "strange_tables",
        "a service reads its own tables; ask the neighbour or keep a projection",
        strange_tables,
    ),
    Check("strange_keys", "keep the id of another service's record without a key", strange_keys),
]
