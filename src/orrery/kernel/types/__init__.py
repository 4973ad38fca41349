"""Plain values that rules and contracts may import: no database, no web."""
