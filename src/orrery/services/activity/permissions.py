"""What a role may allow in activity."""

from orrery.kernel.types.permission import Permission

ENTRY_READ = Permission("activity.entry.read", "See what happened, and who did it")

ALL = [ENTRY_READ]
