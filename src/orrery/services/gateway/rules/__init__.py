"""What the gateway decides: pure Python, time as whole nanoseconds."""
