"""Worklist: who does what with which case, once a policy has decided."""
