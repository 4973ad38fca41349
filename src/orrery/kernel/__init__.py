"""The mechanisms every service stands on; no business noun in here."""
