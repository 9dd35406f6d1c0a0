"""Monitor: whether a line's stream has changed since its policy was chosen, and what to do."""
