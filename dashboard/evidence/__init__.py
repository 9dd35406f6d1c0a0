"""Evidence: whether confidence can be trusted."""
