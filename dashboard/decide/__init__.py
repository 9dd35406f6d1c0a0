"""Decide: what a threshold means in people, wrong answers and money."""
