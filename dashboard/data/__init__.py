"""Data and runs: files, jobs and scored runs."""
