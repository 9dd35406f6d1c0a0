"""What ways to run the line cost over time: scenarios, cash flow, appraisal and doubt. Pure."""
