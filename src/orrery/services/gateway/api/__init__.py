"""The door itself, as one plain ASGI application made of small parts."""
