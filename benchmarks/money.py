"""How long a Monte Carlo of a scenario's money takes: `python -m benchmarks.money`.

All four options, every input in doubt, drawn and discounted month by month; the median of the
rounds, after one to warm up. The scenario's amounts do not matter to the time.
"""

import argparse
import json
import statistics
import time

import numpy as np

from core.decision.money.scenario import INPUT_UNITS, MoneyScenario, assumed_quantity
from core.decision.money.sensitivity import MONTE_CARLO_DRAWS, monte_carlo_npv

LIMIT_S = 1.0


def main() -> None:
    """Measure, print one JSON object, exit 1 where the limit is not reached."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.money", description=__doc__.splitlines()[0]
    )
    parser.add_argument(
        "--draws",
        type=int,
        default=MONTE_CARLO_DRAWS,
        help=f"draws of every input (default: {MONTE_CARLO_DRAWS})",
    )
    parser.add_argument("--months", type=int, default=60, help="horizon (default: 60)")
    parser.add_argument(
        "--rounds", type=int, default=5, help="rounds, after one to warm up (default: 5)"
    )
    arguments = parser.parse_args()
    result = measure(arguments.draws, arguments.months, arguments.rounds)
    print(json.dumps(result, indent=2))
    raise SystemExit(0 if result["reached"] else 1)


def measure(draws: int, months: int, rounds: int) -> dict:
    """The benchmark's JSON object."""
    scenario = MoneyScenario(
        currency="AUD",
        months=months,
        **{name: assumed_quantity(0.1, 0.4, 0.9, unit) for name, unit in INPUT_UNITS.items()},
    )
    seconds = []
    for seed in range(rounds + 1):
        started = time.perf_counter()
        found = monte_carlo_npv(scenario, np.random.default_rng(seed), draws)
        seconds.append(time.perf_counter() - started)
    median = statistics.median(seconds[1:])
    return {
        "benchmark": "money",
        "draws": found.draws,
        "inputs": len(INPUT_UNITS),
        "options": len(found.spreads),
        "months": months,
        "rounds": rounds,
        "seconds": round(median, 4),
        "seconds_worst": round(max(seconds[1:]), 4),
        "limits": {"seconds": f"at most {LIMIT_S}"},
        "reached": median <= LIMIT_S,
    }


if __name__ == "__main__":
    main()
