"""The feed of everything that happened, for audit and for curiosity."""
