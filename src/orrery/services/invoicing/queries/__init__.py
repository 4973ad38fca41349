"""Every read of invoicing."""
