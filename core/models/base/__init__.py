"""Pre-trained models: loading, cutting, tokenising, adapters, and a model's card."""
