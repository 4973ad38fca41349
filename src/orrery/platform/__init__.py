"""Composition only: which services run in which process."""
