"""What the services say to each other: events and answers, frozen, flat and versioned."""
