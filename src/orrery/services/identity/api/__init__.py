"""The routes of identity, one file per audience."""
