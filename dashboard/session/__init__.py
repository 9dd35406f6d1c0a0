"""What a reader has chosen, and what all sessions share. Draws nothing."""
