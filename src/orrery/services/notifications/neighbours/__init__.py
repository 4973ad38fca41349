"""Everything that leaves this service: mail to servers, and documents fetched from neighbours."""
