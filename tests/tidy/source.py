"""The source as the tidy checks see it: parsed modules, and offences against a rule."""

import ast
import io
import tokenize
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeGuard

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "orrery"


@dataclass(frozen=True)
class Offence:
    """One place that breaks a rule; the key names it without its line, which moves with edits."""

    path: str
    line: int
    what: str

    @property
    def key(self) -> str:
        return f"{self.path}: {self.what}"

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.what}"


@dataclass(frozen=True)
class Module:
    """One Python file, its path told from ``src/orrery``."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The parsed text; empty when it cannot be read, which is a check of its own."""
        try:
            return ast.parse(self.text)
        except SyntaxError:
            return ast.Module(body=[], type_ignores=[])

    @property
    def service(self) -> str | None:
        """The service this file belongs to, or None outside ``services/``."""
        parts = self.path.split("/")
        return parts[1] if parts[0] == "services" and len(parts) > 2 else None

    @property
    def kind(self) -> str:
        """The layer inside a service: ``actions`` for actions.py and for actions/receipts.py."""
        return self.path.split("/")[2].removesuffix(".py") if self.service else ""

    @cached_property
    def nodes(self) -> Sequence[ast.AST]:
        return list(ast.walk(self.tree))

    @cached_property
    def comments(self) -> list[tuple[int, str]]:
        """Every comment with its line."""
        if not self.tree.body:
            return []
        tokens = tokenize.generate_tokens(io.StringIO(self.text).readline)
        return [(t.start[0], t.string) for t in tokens if t.type == tokenize.COMMENT]

    @cached_property
    def docstrings(self) -> frozenset[int]:
        """The identities of the constants that are docstrings: prose, not values."""
        owners = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
        bodies = [node.body for node in self.nodes if isinstance(node, owners) and node.body]
        firsts = [body[0].value for body in bodies if isinstance(body[0], ast.Expr)]
        return frozenset(id(first) for first in firsts if isinstance(first, ast.Constant))

    @property
    def code_lines(self) -> int:
        """Lines of code: what explains it (comments, docstrings) and blank lines cost nothing."""
        prose = {
            line
            for node in self.nodes
            if isinstance(node, ast.Constant) and id(node) in self.docstrings
            for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
        }
        return sum(
            1
            for number, line in enumerate(self.text.splitlines(), 1)
            if line.strip() and not line.lstrip().startswith("#") and number not in prose
        )

    @cached_property
    def strings(self) -> list[tuple[int, str]]:
        """String values with their line; joined parts become one string, gaps become ``{}``."""
        return list(_strings(self.tree, self.docstrings))

    def offence(self, node: ast.AST, what: str) -> Offence:
        return Offence(self.path, getattr(node, "lineno", 1), what)


@dataclass(frozen=True)
class Check:
    """A rule over the source: its name in the ratchet, what to do instead, and how it is found."""

    name: str
    say: str
    find: Callable[[Sequence[Module]], Iterable[Offence]]

    def __str__(self) -> str:
        return self.name


def per_module(find: Callable[[Module], Iterable[Offence]]) -> Callable[..., list[Offence]]:
    """Lift a check of one module to a check of all."""
    return lambda modules: [offence for module in modules for offence in find(module)]


def read_modules(folder: Path, *, base: Path | None = None) -> list[Module]:
    """Every Python file below a folder in a stable order; paths start at ``base``."""
    return [
        Module(path.relative_to(base or folder).as_posix(), path.read_text(encoding="utf-8"))
        for path in sorted(folder.rglob("*.py"))
    ]


def _strings(node: ast.AST, docstrings: frozenset[int]) -> Iterator[tuple[int, str]]:
    if isinstance(node, ast.JoinedStr | ast.Constant) or _is_sum(node):
        text = text_of(node)
        if text is not None and id(node) not in docstrings:
            yield getattr(node, "lineno", 1), text
        if isinstance(node, ast.Constant):
            return
        for inner in _gaps(node):
            yield from _strings(inner, docstrings)
        return
    for child in ast.iter_child_nodes(node):
        yield from _strings(child, docstrings)


def text_of(node: ast.AST) -> str | None:
    """The text of a string expression; what is only known at run time is ``{}``."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(text_of(part) or "{}" for part in node.values)
    if _is_sum(node):
        left, right = text_of(node.left), text_of(node.right)
        return None if left is None and right is None else f"{left or '{}'}{right or '{}'}"
    return None


def _is_sum(node: ast.AST) -> TypeGuard[ast.BinOp]:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add)


def _gaps(node: ast.AST) -> Iterator[ast.AST]:
    """The parts of a string expression that are code."""
    if isinstance(node, ast.JoinedStr):
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                yield part.value
    elif isinstance(node, ast.BinOp):
        for side in (node.left, node.right):
            if text_of(side) is None:
                yield side
            else:
                yield from _gaps(side)
