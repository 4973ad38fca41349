"""Import and export of any resource: a mechanism of its own size (decision 0010)."""
