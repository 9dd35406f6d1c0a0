"""Cost-benefit: what each way to run the line is worth."""
