"""JSON in and out of invoicing."""
