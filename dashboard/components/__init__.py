"""What two or more pages draw. Imports no page."""
