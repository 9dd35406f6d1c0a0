"""The effect of a threshold or a policy on a stream of cases, and the search for a better one."""
