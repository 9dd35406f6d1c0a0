"""Joins cases, models, statistics and the store into runs: train, distill, score, evaluate, demo.
Resumable, with progress.
"""
