"""Bayesian teachers, one file each: how a distribution over adapter weights is got. Sampling is core.models.sampling's."""
