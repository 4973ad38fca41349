"""The source is tidy: every check of this folder over ``src/orrery``, and the ratchet."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from orrery.kernel.service import create_app, discover
from tests.tidy.bans import ALLOWED, BANS
from tests.tidy.ratchet import committed_ratchets, complaints, grown, read_ratchet
from tests.tidy.routes import ROUTES, bare_routes
from tests.tidy.sizes import SIZES, long_files, long_functions
from tests.tidy.source import ROOT, SOURCE, Check, Module, read_modules
from tests.tidy.tables import TABLES

CHECKS = [*BANS, *TABLES, *SIZES]
SERVICES = sorted(path.parent.name for path in SOURCE.glob("services/*/service.py"))


@pytest.fixture(scope="module")
def modules() -> Sequence[Module]:
    return read_modules(SOURCE)


@pytest.mark.parametrize("check", CHECKS, ids=str)
def test_the_source_is_tidy(check: Check, modules: Sequence[Module]) -> None:
    expect_none(complaints(check, check.find(modules), read_ratchet()))


@pytest.mark.parametrize("name", SERVICES)
def test_every_route_is_guarded_told_and_typed(name: str) -> None:
    service = discover(only=[name])[name]
    if service.app is not None:
        # The public door passes requests on; whoever it asks guards its own routes.
        assert service.is_gateway
        return
    app = create_app(service, host=None)
    expect_none(complaints(ROUTES, bare_routes(app.routes), read_ratchet()))


def test_every_file_that_is_allowed_more_makes_use_of_it(modules: Sequence[Module]) -> None:
    checks = {check.name: check for check in CHECKS}
    by_path = {module.path: module for module in modules}
    for name, paths in ALLOWED.items():
        for path in paths:
            elsewhere = replace(by_path[path], path="kernel/elsewhere.py")
            assert list(checks[name].find([elsewhere])), f"{path} needs no {name}"


def test_every_ratchet_entry_names_a_check_and_a_reason() -> None:
    ratchet = read_ratchet()
    assert set(ratchet) <= {check.name for check in [*CHECKS, ROUTES]}
    assert [
        key for known in ratchet.values() for key, why in known.items() if not why.strip()
    ] == []


def test_the_ratchet_only_shrinks() -> None:
    committed = committed_ratchets()
    if not committed:
        pytest.skip("the ratchet has no history here")
    assert grown(committed[0], read_ratchet()) == []
    assert grown(committed[-1], committed[0]) == []


def test_tests_and_benchmarks_keep_the_size_limits() -> None:
    modules = [
        module
        for folder in ("tests", "benchmarks")
        for module in read_modules(ROOT / folder, base=ROOT)
    ]
    expect_none([str(o) for m in modules for o in (*long_files(m), *long_functions(m))])


def expect_none(told: Sequence[str]) -> None:
    """Fail with the whole list, one complaint a line."""
    if told:
        pytest.fail("\n".join(told), pytrace=False)
