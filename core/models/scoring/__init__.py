"""Models that score cases: posteriors, sampling, uncertainty heads, checkpoints."""
