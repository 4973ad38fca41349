"""Decisions of analytics: what each metric means, and how each event moves it."""
