"""Every write of organization."""
