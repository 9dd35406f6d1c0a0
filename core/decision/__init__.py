"""Decisions from counts: what a threshold means in workload, leakage and money. Pure: no store, no
screen, no model.
"""
