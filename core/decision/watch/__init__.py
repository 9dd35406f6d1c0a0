"""Watch a policy after it went live: estimates without labels, drift, proposals, replay. Pure."""
