"""Stories across services; each runs in one process and split over five, by the same code."""
