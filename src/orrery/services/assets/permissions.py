"""What a role may allow in assets."""

from orrery.kernel.types.permission import Permission

ASSET_READ = Permission("assets.asset.read", "See assets, their history and their figures")
ASSET_CREATE = Permission("assets.asset.create", "Enter assets in the register")
ASSET_CHANGE = Permission("assets.asset.change", "Change what the register says about an asset")
ASSET_ASSIGN = Permission("assets.asset.assign", "Hand out, take back and transfer assets")
ASSET_SCAN = Permission("assets.asset.scan", "Record where an asset was found and how it was")
ASSET_RETIRE = Permission("assets.asset.retire", "Take assets out of use, and back in")
ASSET_DISPOSE = Permission("assets.asset.dispose", "Sell or scrap assets")
ASSET_CORRECT_COST = Permission(
    "assets.asset.correct_cost", "Correct the cost of an asset before depreciation is posted"
)
CATEGORY_READ = Permission("assets.category.read", "See categories and their forms")
CATEGORY_WRITE = Permission("assets.category.write", "Create, change and archive categories")
ASSIGNMENT_READ = Permission("assets.assignment.read", "See who had which asset")
MAINTENANCE_READ = Permission("assets.maintenance.read", "See maintenance logs, plans, due dates")
MAINTENANCE_LOG = Permission(
    "assets.maintenance.log", "Send assets to maintenance, log the work and correct logs"
)
MAINTENANCE_PLAN = Permission("assets.maintenance.plan", "Make and change maintenance plans")
DEPRECIATION_READ = Permission(
    "assets.depreciation.read", "See books, schedules, book values and posted depreciation"
)
DEPRECIATION_PLAN = Permission(
    "assets.depreciation.plan", "Decide how assets depreciate and record their use"
)
DEPRECIATION_POST = Permission("assets.depreciation.post", "Post and reverse depreciation")
REGISTER_READ = Permission("assets.register.read", "See the register's settings")
REGISTER_CHANGE = Permission("assets.register.change", "Change the register's settings")

ALL = [
    ASSET_READ,
    ASSET_CREATE,
    ASSET_CHANGE,
    ASSET_ASSIGN,
    ASSET_SCAN,
    ASSET_RETIRE,
    ASSET_DISPOSE,
    ASSET_CORRECT_COST,
    CATEGORY_READ,
    CATEGORY_WRITE,
    ASSIGNMENT_READ,
    MAINTENANCE_READ,
    MAINTENANCE_LOG,
    MAINTENANCE_PLAN,
    DEPRECIATION_READ,
    DEPRECIATION_PLAN,
    DEPRECIATION_POST,
    REGISTER_READ,
    REGISTER_CHANGE,
]
