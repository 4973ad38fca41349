"""The lists and records of assets that the API shows, each by one declaration."""

from orrery.kernel.resources import Resource
from orrery.services.assets import models as m
from orrery.services.assets import permissions as p
from orrery.services.assets.queries import register
from orrery.services.assets.schemas import assets as s
from orrery.services.assets.schemas import categories as c
from orrery.services.assets.schemas import depreciation as d
from orrery.services.assets.schemas import upkeep as u

# Whose asset is it: the same three rules for the asset itself and for everything that hangs on it.
_HELD = "t.assigned_employee_id = %(caller_employee)s"
_DEPARTMENT = "t.department_id = any(%(caller_departments)s)"
_UNIT = "t.unit_id = any(%(caller_units)s)"
_ASSET_HELD = "a.assigned_employee_id = %(caller_employee)s"
_ASSET_DEPARTMENT = "a.department_id = any(%(caller_departments)s)"
_ASSET_UNIT = "a.unit_id = any(%(caller_units)s)"
_ASSET = "join asset a on a.id = t.asset_id"
_NAMES = {"asset_tag": "a.tag", "asset_name": "a.name"}
_TAG = {"asset_tag": "a.tag"}

ASSETS = Resource(
    name="asset",
    path="/assets",
    table=m.Asset,
    view=s.AssetView,
    may_read=p.ASSET_READ,
    columns={"category_name": "c.name"},
    joins="left join asset_category c on c.id = t.category_id",
    filters=[
        "status",
        "category_id",
        "asset_class",
        "condition",
        "assigned_employee_id",
        "department_id",
        "unit_id",
        "tag",
        "serial",
        "external_id",
        "location",
        "purchased_on",
        "warranty_until",
        "insurance_until",
        "audited_on",
        "disposed_on",
        "cost",
    ],
    sorts=["tag", "name", "cost", "purchased_on", "warranty_until", "status", "location"],
    search=["tag", "name", "serial", "maker", "model", "location"],
    own=_HELD,
    department=_DEPARTMENT,
    unit=_UNIT,
    details=register.asset_details,
)

CATEGORIES = Resource(
    name="category",
    path="/categories",
    table=m.AssetCategory,
    view=c.CategoryView,
    may_read=p.CATEGORY_READ,
    columns={"parent_name": "parent.name"},
    joins="left join asset_category parent on parent.id = t.parent_id",
    filters=["code", "parent_id", "is_archived", "external_id"],
    sorts=["code", "name"],
    search=["code", "name"],
    # A category says nothing about anybody, so whoever may see one may see all.
    own="true",
    department="true",
    unit="true",
)

ASSIGNMENTS = Resource(
    name="assignment",
    path="/assignments",
    table=m.Assignment,
    view=s.AssignmentView,
    may_read=p.ASSIGNMENT_READ,
    columns=_NAMES | {"assigned_by": "t.created_by"},
    joins=_ASSET,
    filters=["asset_id", "employee_id", "assigned_on", "returned_on", "due_back_on"],
    sorts=["assigned_on", "returned_on", "due_back_on"],
    search=["asset_tag", "asset_name"],
    own="t.employee_id = %(caller_employee)s",
    department=_ASSET_DEPARTMENT,
    unit=_ASSET_UNIT,
    newest_first=True,
)

SCANS = Resource(
    name="audit_scan",
    path="/audit-scans",
    table=m.AuditScan,
    view=s.ScanView,
    may_read=p.ASSET_READ,
    columns=_TAG,
    joins=_ASSET,
    filters=["asset_id", "scanned_on"],
    sorts=["scanned_on"],
    own=_ASSET_HELD,
    department=_ASSET_DEPARTMENT,
    unit=_ASSET_UNIT,
    newest_first=True,
)

DISPOSALS = Resource(
    name="disposal",
    path="/disposals",
    table=m.Disposal,
    view=s.DisposalView,
    may_read=p.DEPRECIATION_READ,
    columns=_TAG,
    joins=_ASSET,
    filters=["asset_id", "kind", "disposed_on", "is_leading"],
    sorts=["disposed_on"],
    own=_ASSET_HELD,
    department=_ASSET_DEPARTMENT,
    unit=_ASSET_UNIT,
    newest_first=True,
)

LOGS = Resource(
    name="maintenance_log",
    path="/maintenance-logs",
    table=m.MaintenanceLog,
    view=u.LogView,
    may_read=p.MAINTENANCE_READ,
    columns=_NAMES,
    joins=_ASSET,
    filters=["asset_id", "plan_id", "kind", "performed_on", "is_void", "external_id"],
    sorts=["performed_on"],
    search=["asset_tag", "asset_name", "description", "performer"],
    own=_ASSET_HELD,
    department=_ASSET_DEPARTMENT,
    unit=_ASSET_UNIT,
    newest_first=True,
)

PLANS = Resource(
    name="maintenance_plan",
    path="/maintenance-plans",
    table=m.MaintenancePlan,
    view=u.MaintenancePlanView,
    may_read=p.MAINTENANCE_READ,
    columns=_NAMES | {"assigned_employee_id": "a.assigned_employee_id"},
    joins=_ASSET,
    filters=["asset_id", "kind", "state", "next_due_on", "is_ended", "external_id"],
    sorts=["next_due_on", "name"],
    search=["asset_tag", "asset_name", "name"],
    own=_ASSET_HELD,
    department=_ASSET_DEPARTMENT,
    unit=_ASSET_UNIT,
)

DUE = Resource(
    name="due_maintenance",
    path="/maintenance-due",
    table=m.MaintenancePlan,
    view=u.MaintenancePlanView,
    may_read=p.MAINTENANCE_READ,
    columns=_NAMES | {"assigned_employee_id": "a.assigned_employee_id"},
    joins=_ASSET,
    where="not t.is_ended and t.state in ('due', 'overdue')",
    filters=["asset_id", "kind", "state", "next_due_on"],
    sorts=["next_due_on", "name"],
    search=["asset_tag", "asset_name", "name"],
    own=_ASSET_HELD,
    department=_ASSET_DEPARTMENT,
    unit=_ASSET_UNIT,
)

BOOKS = Resource(
    name="depreciation_book",
    path="/depreciation-books",
    table=m.DepreciationBook,
    view=d.BookView,
    may_read=p.DEPRECIATION_READ,
    columns=_TAG,
    joins=_ASSET,
    filters=["asset_id", "code", "method", "next_post_on"],
    sorts=["code", "next_post_on"],
    own=_ASSET_HELD,
    department=_ASSET_DEPARTMENT,
    unit=_ASSET_UNIT,
)

ENTRIES = Resource(
    name="depreciation_entry",
    path="/depreciation-entries",
    table=m.DepreciationEntry,
    view=d.EntryView,
    may_read=p.DEPRECIATION_READ,
    columns=_TAG | {"is_reversed": "r.id is not null"},
    joins=_ASSET + " left join depreciation_entry r on r.reverses_id = t.id",
    filters=["asset_id", "book_id", "book", "kind", "period_end", "posted_on"],
    sorts=["period_end", "posted_on"],
    own=_ASSET_HELD,
    department=_ASSET_DEPARTMENT,
    unit=_ASSET_UNIT,
    newest_first=True,
)

USES = Resource(
    name="asset_use",
    path="/asset-uses",
    table=m.AssetUse,
    view=d.UseView,
    may_read=p.DEPRECIATION_READ,
    columns=_TAG,
    joins=_ASSET,
    filters=["asset_id", "used_on"],
    sorts=["used_on"],
    own=_ASSET_HELD,
    department=_ASSET_DEPARTMENT,
    unit=_ASSET_UNIT,
    newest_first=True,
)
