"""Every write of assets; one function per verb of the trade."""
