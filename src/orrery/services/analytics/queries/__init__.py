"""Every read of analytics."""
