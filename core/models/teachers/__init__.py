"""Bayesian teachers, one file each: how a distribution over adapter weights is got. How it is sampled is
core.models.sampling's.
"""
