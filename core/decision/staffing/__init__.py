"""How many reviewers a review load needs, and how long cases wait. Pure."""
