"""Plain values of the kernel."""
