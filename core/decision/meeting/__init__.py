"""What a meeting freezes and plans: scenarios and proofs of concept. Pure."""
