"""Decisions of identity: pure Python, one file per concept."""
