"""What organization decides: pure Python."""
