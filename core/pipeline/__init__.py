"""Joins cases, models, statistics and the store into runs: train, distil, score, evaluate, demo.
Resumable, with progress.
"""
