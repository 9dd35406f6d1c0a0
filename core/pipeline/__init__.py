"""Joins cases, models, statistics and the store into runs: train, distil, score, evaluate, the demo. Progress and resume live
here.
"""
