"""The scenarios that a meeting freezes and the trials that it plans. Pure."""
