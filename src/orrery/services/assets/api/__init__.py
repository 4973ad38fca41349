"""The routes of assets, one file per concept."""
