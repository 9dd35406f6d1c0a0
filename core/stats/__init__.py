"""Statistics with numpy, scipy and scikit-learn only: uncertainty, calibration, bounds, risk and coverage. Knows no store and
no model.
"""
