"""The only public door: credentials, routing, composition, limits, overload."""
