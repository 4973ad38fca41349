"""The kernel's mechanisms, each with a proof that the guard is what makes the test pass."""
