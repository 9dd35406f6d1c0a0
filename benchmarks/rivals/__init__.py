"""The student against what costs nothing: `python -m benchmarks.rivals`.

answers.py: what a method says and what that is worth. contest.py: methods on one set and seed.
lines.py: what the student must reach. report.py: tables. __main__.py: the plan and its files.
"""
