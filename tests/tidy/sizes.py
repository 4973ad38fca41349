"""Sizes: functions, files, routes and the kernel stay small enough to be read whole."""

import ast
from collections.abc import Iterator, Sequence

from tests.tidy.source import Check, Module, Offence, per_module

FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 400
ROUTE_LINES_MAX = 10
# The kernel without its value types and its test kit: what somebody new can read in a day.
# Decision 0010 says why these numbers.
KERNEL_LINES_MAX = 3_500
KERNEL_FILES_MAX = 35
EXCHANGE_LINES_MAX = 1_500
EXCHANGE = "kernel/exchange/"
BESIDE_THE_KERNEL = ("kernel/types/", "kernel/testing.py", EXCHANGE)
VERBS = {"get", "post", "put", "patch", "delete", "head", "options"}


def long_functions(module: Module) -> Iterator[Offence]:
    for node in module.nodes if not _is_generated(module) else ():
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES_MAX:
                yield module.offence(node, f"{node.name}() is too long")


def long_files(module: Module) -> Iterator[Offence]:
    if module.text.count("\n") > FILE_LINES_MAX and not _is_generated(module):
        yield Offence(module.path, 1, "the file is too long")


def long_routes(module: Module) -> Iterator[Offence]:
    for node in module.nodes if module.kind == "api" else ():
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _is_route(node):
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            if body and (body[-1].end_lineno or 0) - body[0].lineno + 1 > ROUTE_LINES_MAX:
                yield module.offence(node, f"the route {node.name}() is too long")
            if any(isinstance(inner, ast.Try) for inner in ast.walk(node)):
                yield module.offence(node, f"the route {node.name}() holds a try")


def kernel_budget(modules: Sequence[Module]) -> Iterator[Offence]:
    kernel = [
        module
        for module in modules
        if module.path.startswith("kernel/") and not module.path.startswith(BESIDE_THE_KERNEL)
    ]
    lines = sum(module.code_lines for module in kernel)
    files = sum(1 for module in kernel if not module.path.endswith("__init__.py"))
    exchange = sum(module.code_lines for module in modules if module.path.startswith(EXCHANGE))
    if lines > KERNEL_LINES_MAX:
        yield Offence("kernel", lines, f"more than {KERNEL_LINES_MAX} lines of code")
    if files > KERNEL_FILES_MAX:
        yield Offence("kernel", files, f"more than {KERNEL_FILES_MAX} files")
    if exchange > EXCHANGE_LINES_MAX:
        yield Offence("kernel", exchange, f"more than {EXCHANGE_LINES_MAX} lines in exchange")


def _is_generated(module: Module) -> bool:
    """Migrations are written by a command; they are as long as their tables are many."""
    return "/migrations/" in module.path


def _is_route(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    calls = [d.func for d in node.decorator_list if isinstance(d, ast.Call)]
    return any(isinstance(call, ast.Attribute) and call.attr in VERBS for call in calls)


SIZES = [
    Check(
        "long_functions",
        f"at most {FUNCTION_LINES_MAX} lines; decide in the parent, work in helpers",
        per_module(long_functions),
    ),
    Check(
        "long_files",
        f"at most {FILE_LINES_MAX} lines; make it a folder of the same name split by concept",
        per_module(long_files),
    ),
    Check(
        "long_routes",
        f"at most {ROUTE_LINES_MAX} lines and no try; the work belongs in actions or queries",
        per_module(long_routes),
    ),
    Check("kernel_budget", "move it to the service that owns it", kernel_budget),
]
