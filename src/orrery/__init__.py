"""Orrery: an open ERP that starts with one command."""
