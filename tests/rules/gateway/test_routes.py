"""The route table: default deny, and what a route declares (GW-1)."""

import pytest

from orrery.services.gateway.rules import paths, routes
from orrery.services.gateway.rules.routes import Declared, RouteTable


def declared(method: str, template: str) -> Declared:
    return Declared("assets", method, template, "permission", "assets.asset.read")


LIST = declared("GET", "/api/v1/assets/assets")
CREATE = declared("POST", "/api/v1/assets/assets")
LABELS = declared("GET", "/api/v1/assets/assets/labels")
READ = declared("GET", "/api/v1/assets/assets/{id}")
CHANGE = declared("PATCH", "/api/v1/assets/assets/{id}")
ASSIGN = declared("POST", "/api/v1/assets/assets/{id}/assign")
FILES = declared("GET", "/api/v1/assets/files/{path:path}")
HOME = declared("GET", "/")
TABLE = RouteTable([LIST, CREATE, LABELS, READ, CHANGE, ASSIGN, FILES, HOME])


@pytest.mark.parametrize(
    ("method", "path", "route"),
    [
        ("GET", "/", HOME),
        ("GET", "/api/v1/assets/assets", LIST),
        ("POST", "/api/v1/assets/assets", CREATE),
        ("GET", "/api/v1/assets/assets/labels", LABELS),
        ("GET", "/api/v1/assets/assets/0190", READ),
        ("PATCH", "/api/v1/assets/assets/labels", CHANGE),
        ("POST", "/api/v1/assets/assets/labels/assign", ASSIGN),
        ("GET", "/api/v1/assets/files/a/b.pdf", FILES),
    ],
)
def test_a_request_finds_its_route_written_out_words_first(
    method: str, path: str, route: Declared
) -> None:
    assert TABLE.find(method, path) is route


@pytest.mark.parametrize(
    ("method", "path", "methods"),
    [
        ("GET", "/api/v1/assets", set()),
        ("GET", "/api/v1/assets/assets/", set()),
        ("GET", "/api/v1/assets/assets/1/unknown", set()),
        ("GET", "/internal/identity/resolve", set()),
        ("GET", "/api/v1/people/employees", set()),
        ("GET", "", set()),
        ("DELETE", "/api/v1/assets/assets", {"GET", "POST"}),
        ("DELETE", "/api/v1/assets/assets/labels", {"GET", "PATCH"}),
    ],
)
def test_what_is_not_published_is_not_found_and_other_methods_are_told(
    method: str, path: str, methods: set[str]
) -> None:
    """GW-1: a request without a declared scope is refused (default deny)."""
    found = TABLE.find(method, path)
    assert not isinstance(found, Declared)
    assert set(found) == methods


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/assets/../identity/users",
        "/api/v1/assets/./assets",
        "/api/v1/assets//assets",
        "/api/v1/assets/assets/..",
        "//internal/identity/resolve",
        "/api/v1/assets\\..\\x",
        "/api/v1/assets/a\x00b",
        "/api/v1/assets/a\r\nX-Evil: 1",
    ],
)
def test_strange_paths_are_recognised(path: str) -> None:
    assert paths.is_strange(path)


@pytest.mark.parametrize("path", ["/", "/api/v1/assets/assets/a.b", "/x/...", "/x/.well-known"])
def test_honest_paths_are_not_strange(path: str) -> None:
    assert not paths.is_strange(path)


@pytest.mark.parametrize(
    ("method", "template", "pace"),
    [
        ("GET", "/api/v1/assets/assets", "normal"),
        ("GET", "/api/v1/assets/assets/export", "export"),
        ("POST", "/api/v1/assets/assets/imports", "import"),
        ("POST", "/api/v1/assets/assets/imports/preview", "import"),
        ("GET", "/api/v1/assets/assets/imports", "normal"),
        ("GET", "/api/v1/analytics/live", "live"),
        ("POST", "/api/v1/analytics/live", "normal"),
        ("GET", "/api/v1/assets/exported", "normal"),
    ],
)
def test_the_words_of_a_path_tell_its_pace(method: str, template: str, pace: str) -> None:
    assert routes.pace_of(method, template) == pace


@pytest.mark.parametrize(
    ("method", "template", "auth", "meter"),
    [
        ("POST", "/api/v1/identity/sessions", "public", "sign_in"),
        ("POST", "/api/v1/identity/tokens", "public", "sign_in"),
        ("POST", "/api/v1/identity/tokens/refresh", "public", "sign_in"),
        ("GET", "/api/v1/identity/jwks", "public", "normal"),
        ("DELETE", "/api/v1/identity/sessions/current", "permission", "normal"),
        ("POST", "/api/v1/assets/assets", "permission", "normal"),
    ],
)
def test_where_somebody_signs_in_addresses_are_counted(
    method: str, template: str, auth: routes.Auth, meter: str
) -> None:
    assert routes.meter_of(method, template, auth) == meter
