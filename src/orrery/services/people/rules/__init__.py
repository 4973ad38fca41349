"""Decisions of people: the employment record, the tree of departments, attendance."""
