"""A neighbour that is down: the composed view answers partially, and comes back by itself."""

import signal

import pytest

from orrery.kernel.service import discover
from tests.scenarios.world import open_world, shares

VIEW = "/api/v1/views/assets-with-owners"


@pytest.mark.slow
async def test_the_composed_view_answers_without_people_and_says_so() -> None:
    """ "graceful when people is down" (issue B); the killed process takes nobody with it."""
    async with open_world("five processes") as world:
        admin = await world.administrator()
        employee = await admin.post(
            "/api/v1/people/employees", json={"first_name": "Ada", "last_name": "Lovelace"}
        )
        asset = await admin.post("/api/v1/assets/assets", json={"name": "Engine", "cost": "1"})
        given = await admin.post(
            f"/api/v1/assets/assets/{asset.json()['id']}/assign",
            json={"employee_id": employee.json()["id"]},
        )
        assert given.is_success
        whole = (await admin.get(VIEW)).json()
        assert whole["missing"] == []
        assert whole["items"][0]["owner"]["full_name"] == "Ada Lovelace"

        names = [name for name, service in discover().items() if not service.is_gateway]
        place = next(i for i, part in enumerate(shares(names, 3)) if "people" in part)
        world.processes[place].send_signal(signal.SIGKILL)
        await world.processes[place].wait()

        partial = await admin.get(VIEW)
        assert partial.status_code == 200
        assert partial.json()["missing"] == ["people"]
        assert partial.json()["items"][0]["owner"] is None
        assert partial.json()["items"][0]["assigned_employee_id"] == employee.json()["id"]
        refused = await admin.get("/api/v1/people/employees")
        assert refused.status_code == 503
        assert "people" in refused.text
        assert (await admin.get("/api/v1/assets/assets")).status_code == 200
