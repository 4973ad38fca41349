"""What identity reads; nothing here writes or locks."""
