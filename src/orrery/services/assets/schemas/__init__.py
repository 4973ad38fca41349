"""JSON of assets, in and out."""
