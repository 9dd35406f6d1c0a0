"""Kakushin's core, importable without Streamlit. Only core.models imports torch and its family."""

__version__ = "0.1.0"
