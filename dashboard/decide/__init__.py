"""Decide: the consequences of a threshold in people, wrong answers and money."""
