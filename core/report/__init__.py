"""View-models: results of the decision layer as tidy frames and texts for screens, terminals and
files. Draws nothing.
"""
