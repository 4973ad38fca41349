"""The manifest of assets: all the platform sees of this service."""

from orrery.contracts.people import EmployeeDeleted
from orrery.kernel.service import Service
from orrery.services.assets import jobs, models, permissions, reactions, seed
from orrery.services.assets.actions.depreciation import post_rest
from orrery.services.assets.actions.provision import provision
from orrery.services.assets.api import assets, categories, depreciation, upkeep
from orrery.services.assets.rules import posting, states
from orrery.services.assets.settings import Settings

SERVICE = Service(
    "assets",
    title="Assets",
    # Fixed paths come before the records' ``/{id}``.
    routers=[
        assets.router,
        categories.router,
        upkeep.router,
        depreciation.router,
        *assets.resources,
        *categories.resources,
        *upkeep.resources,
        *depreciation.resources,
    ],
    reactions={EmployeeDeleted: [reactions.release_assets]},
    jobs={"30 2 * * *": jobs.post_depreciation, "15 4 * * *": jobs.mark_due},
    deferred=[post_rest],
    asks=["people"],
    permissions=permissions.ALL,
    settings=Settings,
    tables=models.Base.metadata,
    constraints={
        "uq_asset_tag": states.TagTaken,
        "uq_asset_serial": states.SerialTaken,
        "ck_asset_salvage_within_cost": states.SalvageAboveCost,
        "uq_assignment_open": states.AlreadyAssigned,
        "uq_depreciation_book_asset_id_code": posting.BookCodeTaken,
        "uq_depreciation_entry_once": posting.AlreadyPosted,
        "uq_depreciation_entry_reverses_id": posting.NotTheLatestEntry,
        "uq_asset_use_reverses_id": posting.UseIsReversed,
    },
    machines=[states.STATES],
    provision=provision,
    seed=seed.seed,
)
