"""Join cases, models, statistics and the store into runs: train, distill, score, evaluate, demo.

Every run is resumable and shows its progress.
"""
