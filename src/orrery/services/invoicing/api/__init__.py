"""Routes of invoicing."""
