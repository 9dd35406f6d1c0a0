"""The gate of a line: cases come in over HTTP, and each leaves with a decision that is on disk.

Every fault sends the case to review. Knows the rule, the store and the model's answers; imports no
screen and nothing of torch.
"""
