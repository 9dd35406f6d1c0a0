"""Statistics by numpy, scipy and scikit-learn: uncertainty, calibration, bounds, risk, coverage.

Knows no store and no model.
"""
