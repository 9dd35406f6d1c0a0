"""The page 'History'."""
