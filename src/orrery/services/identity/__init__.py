"""Users, credentials, sessions, tokens and roles: who someone is and what he may do."""
