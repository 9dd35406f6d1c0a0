"""Background jobs: a queue in files, and the process that runs it. Knows no page."""
