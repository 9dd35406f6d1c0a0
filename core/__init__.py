"""Kakushin's core: importable without Streamlit. Torch and its family are imported in core.models
only.
"""

__version__ = "0.1.0"
