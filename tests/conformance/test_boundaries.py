"""Every import contract of pyproject.toml catches the violation it is there for.

A toy ``orrery`` of two services is written to a temporary folder together with this project's own
contracts; it passes. Each planted violation must then break the contract that is there for it.
"""

import re
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]

SERVICE = {
    "__init__": "",
    "service": "from orrery.services.{me} import api, jobs, models, reactions, reference, seed\n",
    "api": "from fastapi import APIRouter\nfrom orrery.services.{me} import actions, queries\n",
    "reference": "from orrery.services.{me} import models, schemas\n",
    "reactions": "from orrery.contracts import stock\nfrom orrery.services.{me} import actions\n",
    "jobs": "from orrery.services.{me} import actions\n",
    "seed": "from orrery.services.{me} import actions, models\n",
    "actions": "from orrery.kernel import db\nfrom orrery.services.{me} import models, rules\n",
    "queries": "from orrery.services.{me} import models, schemas\n",
    "neighbours": "from orrery.services.{me} import rules\n",
    "schemas": "import pydantic\nfrom orrery.services.{me} import rules\n",
    "models": "import sqlalchemy\nfrom orrery.services.{me} import rules\n",
    "rules": "from orrery.kernel.types import money\n",
    "permissions": "from orrery.kernel.types import money\n",
    "settings": "from orrery.kernel import db\n",
}
HOUSE = {
    "__init__": "",
    "kernel/__init__": "",
    "kernel/db": "import sqlalchemy\nfrom orrery.kernel import tenancy\n",
    "kernel/tenancy": "from orrery.kernel.types import money\n",
    "kernel/types/__init__": "",
    "kernel/types/money": "",
    "contracts/__init__": "",
    "contracts/stock": "from orrery.kernel.types import money\n",
    "contracts/trade": "from orrery.kernel.types import money\n",
    "services/__init__": "",
    "platform/__init__": "",
    "platform/all": "from orrery.services.shop import service\n",
}

# contract broken, module that gets one more line, the line
VIOLATIONS = [
    ("levels", "kernel/db", "from orrery.contracts import stock"),
    ("levels", "kernel/db", "from orrery.services.shop import rules"),
    ("levels", "services/shop/actions", "from orrery.platform import all"),
    ("levels", "plugins/__init__", ""),
    ("strangers", "services/shop/actions", "from orrery.services.store import rules"),
    ("strangers", "services/store/neighbours", "import orrery.services.shop.schemas"),
    (
        "strangers",
        "services/shop/jobs",
        "def run():\n    from orrery.services.store import actions",
    ),
    ("words", "contracts/trade", "from orrery.contracts.stock import Moved"),
    ("inside", "services/shop/helpers", ""),
    ("inside", "services/shop/shared/__init__", ""),
    ("inside", "services/shop/actions", "from orrery.services.shop import api"),
    ("inside", "services/shop/queries", "from orrery.services.shop import actions"),
    ("inside", "services/shop/schemas", "from orrery.services.shop import queries"),
    ("inside", "services/shop/models", "from orrery.services.shop import schemas"),
    ("inside", "services/shop/rules", "from orrery.services.shop import settings"),
    ("inside", "services/shop/jobs", "from orrery.services.shop import reactions"),
    ("plain", "services/shop/rules", "import sqlalchemy"),
    ("plain", "services/shop/rules", "from httpx2 import AsyncClient"),
    ("plain", "services/shop/rules", "from orrery.kernel.db import Tx"),
    ("plain", "services/shop/rules", "from orrery.kernel import tenancy"),
    ("plain", "contracts/stock", "from fastapi import APIRouter"),
    ("plain", "contracts/stock", "from orrery.kernel import db"),
    ("plain", "kernel/types/money", "from sqlalchemy import Numeric"),
    ("plain", "kernel/types/money", "from orrery.kernel import newcomer"),
    ("tables", "services/shop/api", "from orrery.services.shop import models"),
    ("tables", "services/shop/jobs", "from orrery.services.shop.models import Order"),
    ("tables", "services/shop/reactions", "from orrery.services.shop import models"),
    ("edge", "services/shop/actions", "from fastapi import HTTPException"),
    ("edge", "services/shop/queries", "from starlette.requests import Request"),
    ("sql", "services/shop/api", "from sqlalchemy import text"),
    ("sql", "services/shop/jobs", "import psycopg"),
    ("cycles", "kernel/tenancy", "from orrery.kernel import db"),
    ("cycles", "services/shop/rules/prices", "from orrery.services.shop.rules import taxes"),
]
# Modules that a planted line needs in order to break its contract and no other.
COMPANIONS = {
    "from orrery.kernel import newcomer": {"kernel/newcomer": ""},
    "from orrery.services.shop.rules import taxes": {
        "services/shop/rules/taxes": "from orrery.services.shop.rules import prices\n"
    },
}


def test_the_toy_house_keeps_every_contract(tmp_path: Path) -> None:
    """Without this the catches below would prove nothing."""
    build(tmp_path, {})
    assert broken_contracts(tmp_path) == set()


@pytest.mark.parametrize("contract, module, line", VIOLATIONS)
def test_a_planted_violation_breaks_its_contract(
    tmp_path: Path, contract: str, module: str, line: str
) -> None:
    build(tmp_path, {module: line, **COMPANIONS.get(line, {})})
    assert broken_contracts(tmp_path) >= {name_of(contract)}


def test_every_contract_has_a_planted_violation() -> None:
    assert {contract for contract, _, _ in VIOLATIONS} == {c["id"] for c in CONTRACTS["contracts"]}


def test_wildcards_reach_every_service(tmp_path: Path) -> None:
    """import-linter expands ``services.*``: the second service is watched like the first."""
    for service in ("shop", "store"):
        build(tmp_path / service, {f"services/{service}/rules": "import sqlalchemy"})
        assert broken_contracts(tmp_path / service) == {name_of("plain")}, service


def name_of(contract: str) -> str:
    return next(str(c["name"]) for c in CONTRACTS["contracts"] if c["id"] == contract)


def build(folder: Path, planted: Mapping[str, str]) -> None:
    """Write the toy house with some modules extended, next to this project's contracts."""
    modules = dict(HOUSE)
    for me in ("shop", "store"):
        modules |= {f"services/{me}/{name}": text.format(me=me) for name, text in SERVICE.items()}
    for module, line in planted.items():
        if module.startswith("services/shop/rules/"):
            modules["services/shop/rules/__init__"] = modules.pop("services/shop/rules", "")
        modules[module] = modules.get(module, "") + line + "\n"
    for module, text in modules.items():
        path = folder / "orrery" / f"{module}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    own = (ROOT / "pyproject.toml").read_text()
    start = own.index("[tool.importlinter]")
    (folder / "pyproject.toml").write_text(own[start:])


def broken_contracts(folder: Path) -> set[str]:
    """Run import-linter in a folder and return the names of the contracts it calls broken."""
    run = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache", "--no-logo"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "", "PYTHONPATH": str(folder), "COLUMNS": "300"},
    )
    broken = set(re.findall(r"^(.+) BROKEN\b", run.stdout, re.MULTILINE))
    assert re.search(r"Contracts: \d+ kept, \d+ broken", run.stdout), run.stdout + run.stderr
    assert run.returncode == (1 if broken else 0), run.stdout
    return broken
