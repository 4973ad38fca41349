"""The merged OpenAPI document and its page for readers."""

import json
import re

from tests.api.gateway.kit import MODES, World, world

THINGS = "/api/v1/upstream/things"


async def test_the_document_is_byte_equal_in_one_process_and_over_http(prepared: str) -> None:
    """GW-4: same OpenAPI document in one-process and many-process mode, byte-equal."""
    contents = []
    for mode in MODES:
        async with world(prepared, mode) as gateway, gateway.client() as client:
            contents.append((await client.get("/openapi.json")).content)
    assert contents[0] == contents[1]
    assert len(contents[0]) > 10_000


async def test_it_is_valid_and_every_reference_leads_somewhere(gateway: World) -> None:
    async with gateway.client() as client:
        document = (await client.get("/openapi.json")).json()
    assert document["openapi"] == "3.1.0"
    text = json.dumps(document)
    for reference in set(re.findall(r'"\$ref": "#/components/([^"]+)"', text)):
        kind, _, name = reference.partition("/")
        assert name in document["components"][kind], reference
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    ids = [operation["operationId"] for operation in operations]
    assert len(ids) == len(set(ids))
    assert "HTTPValidationError" not in text


async def test_every_route_declares_auth_scope_rate_limit_timeout_and_idempotency(
    gateway: World,
) -> None:
    """GW-1: "every route is declared with auth, scope, rate limit, timeout, idempotency"."""
    async with gateway.client() as client:
        document = (await client.get("/openapi.json")).json()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            told = operation["x-orrery"]
            assert sorted(told) == [
                "auth",
                "body_bytes",
                "idempotent",
                "permission",
                "rate_limit",
                "timeout_seconds",
            ], (path, method)
    things = document["paths"][THINGS]["get"]
    assert things["x-orrery"]["permission"] == "upstream.thing.read"
    assert things["x-orrery"]["timeout_seconds"] == 30
    assert things["security"] == [{"session": []}, {"token": []}]
    assert document["paths"]["/api/v1/upstream/public"]["get"]["security"] == []
    sign_in = document["paths"]["/api/v1/identity/sessions"]["post"]["x-orrery"]
    assert sign_in["rate_limit"] == {"address_per_minute": 60}
    create = document["paths"]["/api/v1/organization/units"]["post"]["x-orrery"]
    assert create["idempotent"] is True


async def test_the_doors_own_routes_are_in_it_and_internal_ones_are_not(gateway: World) -> None:
    async with gateway.client() as client:
        document = (await client.get("/openapi.json")).json()
    paths = set(document["paths"])
    assert {"/", "/docs", "/openapi.json", "/health/live", "/health/ready", "/metrics"} <= paths
    assert "/api/v1/views/assets-with-owners" in paths
    assert not [path for path in paths if path.startswith("/internal")]


async def test_who_has_the_document_already_is_not_sent_it_again(gateway: World) -> None:
    async with gateway.client() as client:
        first = await client.get("/openapi.json")
        again = await client.get("/openapi.json", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_the_page_reads_and_searches_without_scripts(gateway: World) -> None:
    async with gateway.client() as client:
        page = await client.get("/docs")
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert THINGS in page.text
        assert "<script" not in page.text
        assert not re.findall(r'(?:src|href)="(?:https?:)?//', page.text)
        found = await client.get("/docs", params={"q": "things see"})
        assert found.text.count("<details>") == 0
        found = await client.get("/docs", params={"q": "upstream.thing.read"})
        assert found.text.count("<details>") == 1
        assert THINGS in found.text


async def test_what_a_stranger_types_is_shown_as_text_only(gateway: World) -> None:
    async with gateway.client() as client:
        page = await client.get("/docs", params={"q": '"><script>alert(1)</script>'})
    assert "<script>" not in page.text
    assert "&lt;script&gt;" in page.text


async def test_the_page_allows_its_own_style_and_nothing_else(gateway: World) -> None:
    async with gateway.client() as client:
        for path in ("/", "/docs"):
            policy = (await client.get(path)).headers["content-security-policy"]
            assert policy.startswith("default-src 'none'; style-src 'sha256-")
            assert "frame-ancestors 'none'" in policy
            assert "unsafe" not in policy


async def test_the_first_page_leads_to_the_documentation(gateway: World) -> None:
    async with gateway.client() as client:
        page = await client.get("/")
    assert page.status_code == 200
    assert 'href="/docs"' in page.text
