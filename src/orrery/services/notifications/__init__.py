"""Notifications: messages by e-mail and in the inbox, each exactly once, none lost."""
