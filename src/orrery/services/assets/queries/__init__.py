"""Every read of assets."""
