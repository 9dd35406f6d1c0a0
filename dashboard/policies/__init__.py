"""Policies: the thresholds in force, and how they change."""
