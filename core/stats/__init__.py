"""Statistics by numpy, scipy and scikit-learn: uncertainty, calibration, bounds, risk and coverage.
No store, no model.
"""
