"""Statements about risk that calibration cases support, and what makes them void. Pure."""
