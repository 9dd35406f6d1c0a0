"""The number of reviewers that a review load needs, and the waiting times of cases. Pure."""
