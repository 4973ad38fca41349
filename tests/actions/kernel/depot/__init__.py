"""A depot: one list without rules, one document with rules, lines and a ledger, to import into."""
