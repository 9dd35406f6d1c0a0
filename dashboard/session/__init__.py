"""The choices of a session, and the caches that all sessions share. Draws nothing."""
