"""The screens: they draw results of core.report and keep every choice in the address.

Nothing is computed here.
"""
