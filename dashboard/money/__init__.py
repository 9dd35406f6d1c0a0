"""Cost-benefit: the worth of each option."""
