"""Decisions of notifications: kinds of message, addresses, templates and delivery."""
