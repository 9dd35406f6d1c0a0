"""Certify a risk from calibration cases, and say what voids a certificate. Pure."""
