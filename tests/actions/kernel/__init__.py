"""What the kernel does to a service's records: imports."""
