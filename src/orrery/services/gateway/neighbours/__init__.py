"""Every call that leaves the gateway."""
