"""Drawing that two or more pages share. Imports no page."""
