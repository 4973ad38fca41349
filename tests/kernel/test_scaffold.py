"""``orrery new service``: what it writes passes every check and works (STYLE rule 37)."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from orrery.platform import scaffold
from tests.tidy.bans import BANS
from tests.tidy.sizes import SIZES
from tests.tidy.source import read_modules
from tests.tidy.tables import TABLES

ROOT = Path(__file__).parents[2]
# A word that SQL and the web use for other things must do as well as any.
NAME = "order"
PACKAGES = ["kernel", "contracts", "platform"]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the source without its services, in which a new one was scaffolded."""
    copy = tmp_path_factory.mktemp("tree")
    (copy / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    house = copy / "src" / "orrery"
    (house / "services").mkdir(parents=True)
    for name in ("__init__.py", "py.typed", "services/__init__.py"):
        if (ROOT / "src" / "orrery" / name).exists():
            shutil.copy(ROOT / "src" / "orrery" / name, house / name)
    no_caches = shutil.ignore_patterns("__pycache__")
    for name in PACKAGES:
        shutil.copytree(ROOT / "src" / "orrery" / name, house / name, ignore=no_caches)
    (copy / "tests" / "api").mkdir(parents=True)
    for name in ("__init__.py", "conftest.py", "api/__init__.py"):
        shutil.copy(ROOT / "tests" / name, copy / "tests" / name)
    for name in ("tidy", "conformance"):
        shutil.copytree(ROOT / "tests" / name, copy / "tests" / name, ignore=no_caches)
    made = _run(copy, "orrery.platform.cli", "new", "service", NAME)
    assert made.returncode == 0, made.stdout + made.stderr
    return copy


def _run(tree: Path, module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a tool in the copy, whose source goes before the installed one."""
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=tree,
        env=os.environ | {"PYTHONPATH": f"{tree / 'src'}{os.pathsep}{tree}", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def _expect_fine(run: subprocess.CompletedProcess[str]) -> None:
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-3000:]


FOLDER = f"src/orrery/services/{NAME}"
TESTS = f"tests/api/{NAME}"


@pytest.mark.slow
def test_a_new_service_has_every_file_that_it_needs(tree: Path) -> None:
    """The files of the manifest, its first revision, its README with tables, its test."""
    found = sorted(str(p.relative_to(tree)) for p in (tree / FOLDER).rglob("*") if p.is_file())
    expected = [*scaffold.FILES, "migrations/tenant/0001_start.py"]
    assert [f for f in found if "__pycache__" not in f] == sorted(f"{FOLDER}/{f}" for f in expected)
    assert sorted(p.name for p in (tree / TESTS).glob("*.py")) == ["__init__.py", f"test_{NAME}.py"]
    readme = (tree / FOLDER / "README.md").read_text()
    assert f"| permissions | `{NAME}.kind.read` See kinds" in readme
    assert f"services/{NAME})" in (tree / "docs" / "map.md").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("what", ["check", "format"])
def test_a_new_service_is_in_the_house_format(tree: Path, what: str) -> None:
    """ruff finds nothing to say."""
    more = ["--check"] if what == "format" else []
    _expect_fine(_run(tree, "ruff", what, *more, FOLDER, TESTS))


@pytest.mark.slow
def test_a_new_service_has_types(tree: Path) -> None:
    """mypy --strict over its folder and its tests."""
    _expect_fine(_run(tree, "mypy", "--exclude", "/migrations/", FOLDER, TESTS))


@pytest.mark.slow
def test_a_new_service_keeps_the_boundaries(tree: Path) -> None:
    """Every import contract holds; each planted import breaks one."""
    lint = "from importlinter.cli import lint_imports_command as run; run()"
    command = [sys.executable, "-c", lint, "--no-cache"]
    told = {"PYTHONPATH": str(tree / "src")}

    def kept() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=tree, env=os.environ | told, capture_output=True, text=True, check=False
        )

    _expect_fine(kept())
    schemas = tree / FOLDER / "schemas.py"
    good = schemas.read_text()
    schemas.write_text(f"{good}\nfrom orrery.services.{NAME} import models\n")
    broken = kept()
    schemas.write_text(good)
    assert broken.returncode == 1
    assert "BROKEN" in broken.stdout


@pytest.mark.slow
def test_a_new_service_serves_a_created_record(tree: Path) -> None:
    """The test that was written with it runs against a real database and passes."""
    run = _run(tree, "pytest", "-q", "-p", "no:cacheprovider", TESTS)
    _expect_fine(run)
    assert "1 passed" in run.stdout


@pytest.mark.slow
def test_a_new_service_conforms(tree: Path) -> None:
    """What every service must pass, it passes from its first day; its documents are fresh."""
    files = ["tests/conformance/test_services.py", "tests/tidy/test_tidy.py"]
    run = _run(tree, "pytest", "-q", "-p", "no:cacheprovider", *files, "-k", f"[{NAME}]")
    _expect_fine(run)
    found = re.search(r"(\d+) passed", run.stdout)
    assert found is not None
    assert int(found[1]) > 10
    _expect_fine(_run(tree, "orrery.platform.cli", "docs", "--check"))


@pytest.mark.slow
def test_a_new_service_is_tidy(tree: Path) -> None:
    """Every check of tests/tidy over its files."""
    every = read_modules(tree / "src" / "orrery")
    modules = [module for module in every if module.path.startswith(f"services/{NAME}/")]
    assert len(modules) > len(scaffold.FILES) - 2
    checks = [*BANS, *TABLES, *SIZES]
    assert [offence for check in checks for offence in check.find(modules)] == []


@pytest.mark.slow
def test_a_name_that_is_taken_is_refused_and_nothing_is_written(tree: Path) -> None:
    """In one line, with what is there left as it is."""
    manifest = tree / FOLDER / "service.py"
    manifest.write_text(manifest.read_text() + "# life\n")
    run = _run(tree, "orrery.platform.cli", "new", "service", NAME)
    assert (run.returncode, run.stderr.strip()) == (
        1,
        f"There is a service called {NAME} already.",
    )
    assert manifest.read_text().endswith("# life\n")


@pytest.mark.parametrize(
    "name",
    ["", "ab", "orders\n", "Orders", "orders2", "my_orders", "my-orders", "../orders", "orders/x",
     "class", "import", "größe", " orders", "x" * 31, "orrery", "public"],
)  # fmt: skip
def test_a_name_that_is_no_plain_word_is_refused(tmp_path: Path, name: str) -> None:
    """Neither a keyword nor a path, nor what the database needs for itself or cannot hold."""
    with pytest.raises(RuntimeError, match="name"):
        scaffold.service(name, root=tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["hr" + "m", "x" * 30, "order", "user"])
def test_a_plain_word_is_taken(tmp_path: Path, name: str) -> None:
    """Three to thirty letters."""
    written = scaffold.service(name, root=tmp_path)
    assert {path.parent.name for path in written} == {name}
    assert all(path.read_text() for path in written)
