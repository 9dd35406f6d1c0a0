"""The README's figures, one runnable each: `python -m benchmarks.NAME` prints one JSON object."""
