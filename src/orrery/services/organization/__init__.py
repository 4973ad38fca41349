"""Business units, departments, memberships and the tenant's own profile."""
