"""Pages, one a file: guard, controls, call, show."""
