"""The screens. They draw what core.report prepares and keep every choice in the URL; nothing is
computed here.
"""
