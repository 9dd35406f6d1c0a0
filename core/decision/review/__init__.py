"""Review by people: which case is next, and what one more hour of review is worth."""
