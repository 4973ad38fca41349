"""What a role may allow about the organisation's own structure."""

from orrery.kernel.types.permission import Permission

UNIT_READ = Permission("organization.unit.read", "See business units")
UNIT_CREATE = Permission("organization.unit.create", "Add business units")
UNIT_CHANGE = Permission("organization.unit.change", "Change business units")
UNIT_ARCHIVE = Permission("organization.unit.archive", "Archive and restore business units")
DEPARTMENT_READ = Permission("organization.department.read", "See departments")
MEMBERSHIP_READ = Permission("organization.membership.read", "See who belongs to which unit")
MEMBERSHIP_ASSIGN = Permission("organization.membership.assign", "Decide who belongs where")
PROFILE_READ = Permission("organization.profile.read", "See the organisation's profile")
PROFILE_CHANGE = Permission("organization.profile.change", "Change the organisation's profile")

ALL = [
    UNIT_READ,
    UNIT_CREATE,
    UNIT_CHANGE,
    UNIT_ARCHIVE,
    DEPARTMENT_READ,
    MEMBERSHIP_READ,
    MEMBERSHIP_ASSIGN,
    PROFILE_READ,
    PROFILE_CHANGE,
]
