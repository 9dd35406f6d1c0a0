"""The counting language of store and decision: histograms, joint counts and tallies. Knows no file
and no screen.
"""
