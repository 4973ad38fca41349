"""JSON in and out of people."""
