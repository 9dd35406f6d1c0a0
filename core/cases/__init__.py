"""Files of cases, read and checked row by row, and the demo's real work orders.

Knows no model and no store.
"""
