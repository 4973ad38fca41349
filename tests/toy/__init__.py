"""A small service that has everything a service can have; the kernel is tested with it."""
