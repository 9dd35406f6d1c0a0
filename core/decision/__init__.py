"""Decide from counts: the workload, leakage and money of a threshold. Pure: no store, screen or
model.
"""
