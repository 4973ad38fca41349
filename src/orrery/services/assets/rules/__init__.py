"""Decisions about assets: states, dynamic forms, maintenance dates and depreciation."""
