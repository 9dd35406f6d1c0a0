"""Policies: which thresholds are in force, and how they change."""
