"""What a threshold or a policy does to a stream of cases, and how to find a better one. Pure."""
