"""Small inputs of the kinds that people have, made in code, each with what is right: cases,
notices, or a refusal.
"""
