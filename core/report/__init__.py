"""View-models: what the decision layer knows, as tidy frames and texts for screens, terminals and
files. No drawing.
"""
