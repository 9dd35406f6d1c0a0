"""Audits of accepted cases: how they are drawn, what they estimate, and how many a claim needs."""
