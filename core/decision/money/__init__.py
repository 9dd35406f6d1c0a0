"""The money of an option over time: scenario, cash flow, appraisal and uncertainty. Pure."""
