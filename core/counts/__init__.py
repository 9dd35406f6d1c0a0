"""Count predictions for store and decision: histograms, joint counts, tallies. Opens no file."""
