"""Bans: words and calls that have no place in the source, each with what to use instead."""

import ast
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from tests.tidy.source import Check, Module, Offence, per_module, text_of

SQL_START = re.compile(
    r"\s*\(?\s*(?:select\s|insert\s+into\s|update\s+\S+\s+(?:\w+\s+)?set\s|delete\s+from\s"
    r"|with\s+(?:recursive\s+)?\w+\s*(?:\([^()]*\)\s*)?as\s|truncate\s|merge\s+into\s|lock\s+table\s"
    r"|(?:(?:left|right|inner|full|cross)\s+(?:outer\s+)?)?join\s)"
    r"|.*\(\s*select\s.*\sfrom\s",
    re.DOTALL,
)
# Where a tenant's schema, role and search path may be named; others write bare table names.
# The job queue lives in a schema of its own, and a draft revision is built in a throw-away one.
TENANCY = {"kernel/tenancy.py", "kernel/jobs.py", "kernel/revisions.py"}
# The edge, the relay, the worker and the runner end transactions; nobody else holds one.
COMMITS = {f"kernel/{name}.py" for name in ("db", "http", "relay", "runtime", "worker")}
CLOCK = {"kernel/clock.py"}
ENVIRONMENT = {"kernel/settings.py"}

TENANT_WORDS = re.compile(
    r"search_path|set_config|\b(?:set|reset)\s+(?:local\s+|session\s+)?role\b"
    r"|\b(?:create|drop|alter)\s+(?:schema|role)\b",
    re.IGNORECASE,
)
SCHEMA_NAME = re.compile(r"\{\}__|__\{\}|\b[a-z][a-z0-9]*__[a-z]")
EXCUSE = re.compile(r"#\s*(?:type:\s*ignore|noqa)\b")
EXCUSE_WITH_REASON = re.compile(
    r"#\s*(?:type:\s*ignore\[[\w, -]+\]|noqa:\s*[A-Z]+\d+(?:,\s*[A-Z]+\d+)*)\s*[#-]\s*\w+"
)
OPEN_WORDS = re.compile(r"\b(TODO|FIXME|XXX)\b")
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "shared", "stuff"}
# Here even a number with a point is one too many; actions may wait for half a second.
EXACT_KINDS = {"models", "schemas", "rules"}


def looks_like_sql(text: str) -> bool:
    """House SQL is lower case; shouting counts too, a capitalised English sentence does not."""
    first = text.lstrip("( \n").partition(" ")[0]
    return bool(SQL_START.match(text.lower() if first.isupper() else text))


def unreadable(module: Module) -> Iterator[Offence]:
    if module.text.strip() and not module.tree.body:
        yield Offence(module.path, 1, "not the Python of 3.11, or nothing but comments")


def commits(module: Module) -> Iterator[Offence]:
    if module.path in COMMITS:
        return
    for node in module.nodes:
        if isinstance(node, ast.Call) and _name(node.func).endswith(".commit"):
            yield module.offence(node, f"{_name(node.func)}()")
        elif isinstance(node, ast.Call) and any(map(_is_commit, node.args)):
            yield module.offence(node, "the statement commit")


def tenant_names(module: Module) -> Iterator[Offence]:
    if module.path in TENANCY:
        return
    for line, text in module.strings:
        found = TENANT_WORDS.search(text)
        if found:
            yield Offence(module.path, line, f"the words {found[0]!r}")
        elif text == "__" or SCHEMA_NAME.search(text):
            yield Offence(module.path, line, f"a schema name: {text!r}")


def system_clock(module: Module) -> Iterator[Offence]:
    if module.path in CLOCK:
        return
    for node in module.nodes:
        if isinstance(node, ast.Attribute) and node.attr in ("now", "utcnow", "today"):
            owner = _name(node.value).split(".")[-1]
            if owner in ("datetime", "date"):
                yield module.offence(node, f"{owner}.{node.attr}")
    if module.service:
        for line, text in module.strings:
            if looks_like_sql(text) and re.search(r"\bcurrent_date\b", text, re.IGNORECASE):
                yield Offence(module.path, line, "current_date in SQL")


def floats(module: Module) -> Iterator[Offence]:
    exact = module.path.startswith(("contracts/", "kernel/types/")) or module.kind in EXACT_KINDS
    careful = exact or module.kind in ("actions", "queries")
    for node in module.nodes if careful else ():
        if isinstance(node, ast.Name) and node.id in ("float", "Float", "Double", "REAL"):
            yield module.offence(node, f"the type {node.id}")
        elif exact and isinstance(node, ast.Constant) and isinstance(node.value, float):
            yield module.offence(node, f"the number {node.value}")


def http_exceptions(module: Module) -> Iterator[Offence]:
    if module.path.startswith("kernel/"):
        return
    for node in module.nodes:
        if _name(node).split(".")[-1] == "HTTPException":
            yield module.offence(node, "HTTPException")


def prints(module: Module) -> Iterator[Offence]:
    for node in module.nodes:
        if isinstance(node, ast.Call) and _name(node.func) == "print":
            yield module.offence(node, "print()")


def environment(module: Module) -> Iterator[Offence]:
    if module.path in ENVIRONMENT:
        return
    for node in module.nodes:
        if isinstance(node, ast.Attribute) and _name(node) in ("os.environ", "os.getenv"):
            yield module.offence(node, _name(node))
        elif isinstance(node, ast.ImportFrom) and node.module == "os":
            for alias in node.names:
                if alias.name in ("environ", "getenv"):
                    yield module.offence(node, f"os.{alias.name}")


def open_ends(module: Module) -> Iterator[Offence]:
    for line, comment in module.comments:
        for word in OPEN_WORDS.findall(comment):
            yield Offence(module.path, line, word)
    for node in module.nodes:
        if isinstance(node, ast.Constant) and id(node) in module.docstrings:
            for word in OPEN_WORDS.findall(str(node.value)):
                yield module.offence(node, word)
        elif isinstance(node, ast.Name) and node.id == "NotImplementedError":
            yield module.offence(node, "NotImplementedError")


def unexplained(module: Module) -> Iterator[Offence]:
    for line, comment in module.comments:
        if EXCUSE.search(comment) and not EXCUSE_WITH_REASON.search(comment):
            yield Offence(module.path, line, comment)


def vague_files(module: Module) -> Iterator[Offence]:
    for part in PurePosixPath(module.path).with_suffix("").parts:
        if part in VAGUE_NAMES:
            yield Offence(module.path, 1, f"a file called {part}")


def glued_sql(module: Module) -> Iterator[Offence]:
    """Statements with run-time text in them; sums may only join written-out parts."""
    for node in module.nodes if module.service else ():
        if isinstance(node, ast.JoinedStr) and any(
            isinstance(part, ast.FormattedValue) for part in node.values
        ):
            if looks_like_sql(text_of(node) or ""):
                yield module.offence(node, "an f-string with SQL")
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
            if looks_like_sql(text_of(node.left) or ""):
                yield module.offence(node, "SQL filled with %")
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            if looks_like_sql(text_of(node) or "") and not _is_written_out(node):
                yield module.offence(node, "SQL joined with a value")
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            text = text_of(node.func.value) or ""
            if node.func.attr in ("format", "replace") and looks_like_sql(text):
                yield module.offence(node, f"SQL filled with {node.func.attr}()")


def outside_calls(module: Module) -> Iterator[Offence]:
    for node in module.nodes if module.service and module.kind != "neighbours" else ():
        if isinstance(node, ast.Call) and _name(node.func).endswith(".neighbour"):
            yield module.offence(node, f"{_name(node.func)}()")


def _is_commit(node: ast.AST) -> bool:
    return re.match(r"(?i)\s*commit\s*(?:;|$)", text_of(node) or "") is not None


def _is_written_out(node: ast.AST) -> bool:
    """Whether an expression consists of literals and module constants only."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _is_written_out(node.left) and _is_written_out(node.right)
    return isinstance(node, ast.Constant) or (
        isinstance(node, ast.Name | ast.Attribute) and _name(node).split(".")[-1].isupper()
    )


def _name(node: ast.AST) -> str:
    """The dotted name of an expression; what has none is left out (``x().commit`` is .commit)."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.alias):
        return node.name
    if isinstance(node, ast.Attribute):
        return f"{_name(node.value)}.{node.attr}"
    return ""


BANS = [
    Check("unreadable", "the house runs from Python 3.11 on", per_module(unreadable)),
    Check("commits", "actions never commit; the edge does", per_module(commits)),
    Check(
        "tenant_names",
        "only kernel/tenancy.py knows schemas, roles and the search path; write bare table names",
        per_module(tenant_names),
    ),
    Check("system_clock", "use caller.today, caller.now or clock.now()", per_module(system_clock)),
    Check("floats", "use Decimal or Money; float loses cents", per_module(floats)),
    Check("http_exceptions", "raise a Refusal with a code and facts", per_module(http_exceptions)),
    Check(
        "prints",
        "log with structlog, or speak through the console of platform/cli.py",
        per_module(prints),
    ),
    Check("environment", "read settings from kernel.settings", per_module(environment)),
    Check("open_ends", "finish it, or write an issue", per_module(open_ends)),
    Check("unexplained", "an excuse needs a code and a reason", per_module(unexplained)),
    Check("vague_files", "name the file after what is in it", per_module(vague_files)),
    Check("glued_sql", "values travel as %(name)s parameters", per_module(glued_sql)),
    Check("outside_calls", "neighbours are asked in neighbours.py", per_module(outside_calls)),
]
ALLOWED = {
    "commits": COMMITS,
    "tenant_names": TENANCY,
    "system_clock": CLOCK,
    "environment": ENVIRONMENT,
}
