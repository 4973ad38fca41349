"""GW-4: the same OpenAPI document in one process and in many, byte-equal."""

import httpx2

from tests.scenarios.world import World

_documents: dict[str, bytes] = {}


async def test_the_openapi_document_is_byte_equal_in_both_modes(world: World) -> None:
    """Each mode's document is kept; when both are there they must be the same bytes."""
    async with httpx2.AsyncClient(base_url=world.url, timeout=60) as client:
        response = await client.get("/openapi.json")
    assert response.status_code == 200
    assert len(response.json()["paths"]) > 100
    _documents[world.mode] = response.content
    assert len(set(_documents.values())) == 1
