"""Do audits keep their word: `python -m benchmarks.audits [--claims 100] [--paths 2000]`.

Populations: the accepted cases of the workspace's labelled runs, if it has any, and synthetic ones
of 20,000 cases with a risk of 1 to 5% (named "synthetic"). Coverage, width and mean squared error
are exact sums over all outcomes of the draw; the any-time bound is simulated; claims run in eight
processes on a store. Each figure has a control: a usual method for which the same limit is broken.
Prints one JSON object; exits 1 where a limit is not reached or a control does not break it.
"""

import argparse
import json
import math
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import bdtr, ndtri
from scipy.stats import binom, hypergeom

from core.settings import Settings
from core.stats.exact_bounds import anytime_evidence, clopper_pearson, finite_population_interval
from core.store import records
from core.store.claims import Claims
from core.store.store import Store
from core.types import Interval
from tests.stores import add_scored, make_rows, make_run, open_claims

AUDITS = (60, 120, 300)  # sample sizes
LEVEL = 0.95
LOOKS = 2000
SHARES = (0.01, 0.02, 0.05, 0.1, 0.4)
PROCESSES = 8
WINDOW = 64  # cases of the queue that one claim sees; the page's has those of the day
CONTROL_CLAIMS = 100  # of each process: each reads all open claims
SYNTHETIC_CASES = 20_000
LEAST_ACCEPTED = 150  # of a set of the workspace


@dataclass(frozen=True)
class Population:
    """Accepted cases: whether each is wrong, and the predicted probability of that, [N]."""

    name: str
    wrong: NDArray[np.bool_]
    p_wrong: NDArray[np.float64]


def main() -> None:
    """Measure, print one JSON object, exit 1 where a line is not reached."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.audits", description=__doc__)
    parser.add_argument("--claims", type=int, default=100, help="of each process (default: 100)")
    parser.add_argument("--paths", type=int, default=2000, help="of the any-time bound")
    names = ("fixed_size", "anytime", "efficiency", "claims")
    parser.add_argument("--only", nargs="+", choices=names, default=names, help="fields")
    options = parser.parse_args()
    begun = time.monotonic()
    populations = [*workspace_populations(), *synthetic_populations()]
    measure: dict[str, Callable[[], dict]] = {
        "fixed_size": lambda: measure_intervals(populations),
        "anytime": lambda: measure_looks(options.paths),
        "efficiency": lambda: measure_efficiency(populations),
        "claims": lambda: measure_claims(options.claims),
    }
    fields = {name: measure[name]() for name in options.only}
    reached = all(field["reached"] and field["control_is_red"] for field in fields.values())
    result = {"benchmark": "audits", "reached": reached, "fields": fields}
    result["seconds"] = round(time.monotonic() - begun, 1)
    print(json.dumps(result, indent=1, default=bool))  # numpy's truth values
    sys.exit(0 if reached else 1)


def synthetic_populations() -> list[Population]:
    """Return populations whose predictions are calibrated, by risk."""
    populations = []
    for percent in range(1, 6):
        random = np.random.default_rng([5, percent])
        p = random.beta(0.5, 0.5 * (100 / percent - 1), SYNTHETIC_CASES)
        wrong = random.random(SYNTHETIC_CASES) < p
        populations.append(Population(f"synthetic, risk {percent}%", wrong, p))
    return populations


def workspace_populations() -> list[Population]:
    """Return the accepted cases of each labelled run of the workspace's store, by threshold."""
    if not (Settings().store / "kakushin.duckdb").is_file():
        return []
    store, populations = Store(Settings().store), []
    for record in store.runs():
        run = record.run
        if run.kind != "score" or run.model_kind != "student" or record.state != "finished":
            continue
        cases = store.predictions(run.run_id, ["label", "predicted", "confidence"])
        cases = cases[cases["label"].notna()]
        for threshold in (0.5, 0.7, 0.8):
            accepted = cases[cases["confidence"] >= threshold]
            wrong = (accepted["label"] != accepted["predicted"]).to_numpy(dtype=bool)
            if len(accepted) >= LEAST_ACCEPTED and wrong.any():
                p = (1 - accepted["confidence"]).to_numpy(dtype=np.float64)
                populations.append(Population(f"{run.run_id}, t {threshold}", wrong, p))
    return populations


# --- intervals at a fixed sample size


def wald_interval(errors: int, n: int, level: float = LEVEL) -> Interval:
    """Return errors / n with the normal interval that most reports use: the control."""
    share = errors / n
    half = ndtri((1 + level) / 2) * math.sqrt(share * (1 - share) / n)
    return Interval(share, max(0.0, share - half), min(1.0, share + half), n, level)


def exact_coverage(
    interval: Callable[[int, int], Interval], errors: int, n: int, population: int
) -> dict[str, float]:
    """Return coverage, misses of the upper end, and mean width over all outcomes of a draw.

    interval: from wrong audits and n. errors: wrong cases among the `population`. n: audits.
    """
    outcomes = np.arange(min(n, errors) + 1)
    chance = hypergeom.pmf(outcomes, population, errors, n)
    likely = outcomes[chance > 1e-9]
    ends = np.array([[i.low, i.high] for i in (interval(int(k), n) for k in likely)])
    weight, truth = chance[likely], errors / population
    low, high = ends.T
    tolerance = 1e-12  # bounds of a finite population are its own shares
    return {
        "coverage": float(weight @ ((low <= truth + tolerance) & (truth <= high + tolerance))),
        "missed_above": float(weight @ (high < truth - tolerance)),
        "width": float(weight @ (high - low)),
    }


def measure_intervals(populations: list[Population]) -> dict:
    """Return the worst coverage, misses and width against Clopper-Pearson over populations."""
    rows = []
    for population in populations:
        size, errors = len(population.wrong), int(population.wrong.sum())
        for n in (n for n in AUDITS if n < size):
            ours = exact_coverage(
                lambda k, n, size=size: finite_population_interval(k, n, size, LEVEL),
                *(errors, n, size),
            )
            clopper = exact_coverage(clopper_pearson, errors, n, size)
            wald = exact_coverage(wald_interval, errors, n, size)
            rows.append(
                {
                    "population": population.name,
                    "cases": size,
                    "risk": errors / size,
                    "audits": n,
                    "coverage": ours["coverage"],
                    "missed_above": ours["missed_above"],
                    "width_ratio": ours["width"] / clopper["width"],
                    "control_coverage": wald["coverage"],
                }
            )
    worst = {
        "coverage": min(row["coverage"] for row in rows),
        "missed_above": max(row["missed_above"] for row in rows),
        "width_ratio": max(row["width_ratio"] for row in rows),
        "control_coverage": min(row["control_coverage"] for row in rows),
    }
    return {
        "limit": "coverage >= 0.94, missed above <= 0.06, width <= 1.1 x Clopper-Pearson",
        "control": "the normal (Wald) interval",
        **_rounded(worst),
        "reached": worst["coverage"] >= 0.94
        and worst["missed_above"] <= 0.06
        and worst["width_ratio"] <= 1.1,
        "control_is_red": worst["control_coverage"] < 0.94,
        "rows": [_rounded(row) for row in rows],
    }


# --- looks at any time


def measure_looks(paths: int) -> dict:
    """Return how often the upper bound, and the interval, ever miss the true share over LOOKS looks."""
    rows = []
    n = np.arange(1, LOOKS + 1)
    limit = math.log(1 / (1 - LEVEL))
    for share in SHARES:
        random = np.random.default_rng([7, round(1000 * share)])
        errors = np.cumsum(random.random((paths, LOOKS)) < share, axis=1)
        # Both bounds depend on the counts alone, so each pair of counts is computed once.
        counts = np.arange(errors.max() + 1)[:, None]
        pairs = np.minimum(counts, n)
        refused = (anytime_evidence(pairs, n, share) >= limit) & (pairs < share * n)
        control = bdtr(pairs, n, share) <= 1 - LEVEL
        # Both sides at half the error each: too many errors are too few right answers.
        sides = ((pairs, share), (np.maximum(n - counts, 0), 1 - share))
        outside = sum(anytime_evidence(k, n, m) >= limit + math.log(2) for k, m in sides) > 0
        rows.append(
            {
                "share": share,
                "ever_missed": float(refused[errors, n - 1].any(axis=1).mean()),
                "ever_missed_two_sided": float(outside[errors, n - 1].any(axis=1).mean()),
                "control_ever_missed": float(control[errors, n - 1].any(axis=1).mean()),
            }
        )
    missed = max(max(row["ever_missed"], row["ever_missed_two_sided"]) for row in rows)
    return {
        "limit": f"ever missed <= 0.06 over {LOOKS} looks",
        "control": "Clopper-Pearson's upper bound at every look",
        "paths": paths,
        "ever_missed": round(missed, 4),
        "reached": missed <= 0.06,
        "control_is_red": min(row["control_ever_missed"] for row in rows) > 0.06,
        "rows": [_rounded(row) for row in rows],
    }


# --- efficiency


def measure_efficiency(populations: list[Population]) -> dict:
    """Return the mean squared error of our audits over that of a simple random sample of the mean
    size, by population.

    Given its size, a draw of equal probabilities is a simple random sample, so the ratio is exact:
    what the random size costs. The control is what the audits offered before, a draw tilted to
    likely errors with the difference estimator: on populations whose errors do not follow p, as
    after a shift, it is worse.
    """
    rows = []
    for population in [*populations, *map(shifted, populations)]:
        y, p = population.wrong.astype(float), population.p_wrong
        size = len(y)
        for n in (n for n in AUDITS if n < size):
            uniform = (1 - n / size) * y.var(ddof=1) / n
            pi = tilted_probabilities(n / size, p)
            tilted = ((1 - pi) / pi * (y - p) ** 2).sum() / size**2
            rows.append(
                {
                    "population": population.name,
                    "audits": n,
                    "mse_ratio": size_cost(n, size),
                    "control_mse_ratio": tilted / uniform,
                }
            )
    worst = max(row["mse_ratio"] for row in rows)
    return {
        "limit": "mean squared error <= 1.05 x a simple random sample's",
        "control": "a draw tilted to likely errors, with the difference estimator",
        "mse_ratio": round(worst, 4),
        "reached": worst <= 1.05,
        "control_is_red": max(row["control_mse_ratio"] for row in rows) > 1.05,
        "rows": [_rounded(row) for row in rows],
    }


def size_cost(n: int, size: int) -> float:
    """Return the mean squared error at a random sample size over that at n, its mean.

    size: N, cases. An empty sample has no figure and is left out.
    """
    drawn = np.arange(1, size + 1)
    chance = binom.pmf(drawn, size, n / size)
    return float(chance @ (1 / drawn - 1 / size) / chance.sum() / (1 / n - 1 / size))


def shifted(population: Population) -> Population:
    """Return the population after a shift of which p knows nothing: its errors in another order."""
    wrong = np.random.default_rng(11).permutation(population.wrong)
    return Population(f"{population.name}, shifted", wrong, population.p_wrong)


def tilted_probabilities(share: float, p_wrong: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return inclusion probabilities [N] with the mean `share`, proportional to sqrt(p (1 - p)).

    That is optimal where p is right (Neyman 1934). None is below half the share.
    """
    size = np.maximum(np.sqrt(p_wrong * (1 - p_wrong)), 1e-6)

    def excess(scale: float) -> float:
        return float(np.clip(scale * size, share / 2, 1).mean()) - share

    return np.clip(brentq(excess, 0, 1 / size.min()) * size, share / 2, 1)


# --- claims


def measure_claims(claims: int) -> dict:
    """Return how many cases two of PROCESSES processes claimed at once, and the control's.

    claims: of each process. Every case is claimed: a claim that is lost counts as a failure too.
    """
    begun = time.monotonic()
    claimed = _claimed_cases(_claim, claims)
    seconds = time.monotonic() - begun
    few = _claimed_cases(_claim_in_two_steps, min(claims, CONTROL_CLAIMS))
    double, control = (len(ids) - len(set(ids)) for ids in (claimed, few))
    n = PROCESSES * claims
    return {
        "limit": f"0 double of {PROCESSES} x {claims} claims, each case claimed",
        "control": "reading the free cases and claiming one in two transactions",
        "double": double,
        "claimed": len(claimed),
        # Of n events none happened: 95% sure that fewer than 3 / n do (rule of three).
        "at_most": 3 / n,
        "claims_per_s": round(n / seconds, 1),
        "control_double": control,
        "control_claims": len(few),
        "reached": double == 0 and len(claimed) == n,
        "control_is_red": control > 0,
    }


def _claimed_cases(claim, claims: int) -> list[str]:
    """Return the case of each claim of all processes, on a store of as many cases."""
    run, rows = make_run("score", "student", "stream"), make_rows(PROCESSES * claims)
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder), timeout_s=600)
        add_scored(store, run, rows)
        ids = rows["case_id"].tolist()
        queue, barrier = multiprocessing.Queue(), multiprocessing.Barrier(PROCESSES)
        arguments = (store.folder, run.run_id, ids, claims, queue, barrier)
        workers = [
            multiprocessing.Process(target=_work, args=(claim, i, *arguments))
            for i in range(PROCESSES)
        ]
        for worker in workers:
            worker.start()
        claimed = [case_id for _ in workers for case_id in queue.get()]
        for worker in workers:
            worker.join()
    return claimed


def _work(claim, worker: int, folder: Path, run_id: str, ids: list[str], n: int, queue, barrier):
    store, claimed = Store(folder, timeout_s=600), []
    barrier.wait()
    for i in range(n):
        # A person of its own for each claim, since a person's open claim comes back.
        case_id = claim(store, run_id, f"{worker}-{i}", ids)
        if case_id is None:
            break
        claimed.append(case_id)
        # Every case before the claimed one was taken, as the page's queue would leave it out.
        ids = ids[ids.index(case_id) + 1 :]
    queue.put(claimed)


def _claim(store: Store, run_id: str, reviewer: str, ids: list[str]) -> str | None:
    """Claim from the head of the queue, and from what is behind it while others have all of it."""
    for start in range(0, len(ids), WINDOW):
        head = ids[start : start + WINDOW]
        case_id = Claims(store).claim_next(run_id, reviewer, head, [1] * len(head), 86_400)
        if case_id is not None:
            return case_id
    return None


def _claim_in_two_steps(store: Store, run_id: str, reviewer: str, ids: list[str]) -> str | None:
    taken = set(open_claims(store, run_id)["case_id"])
    case_id = next((case_id for case_id in ids if case_id not in taken), None)
    moment = records.utc_now()
    with store.atomic() as connection:
        connection.execute(
            "INSERT INTO claims (run_id, case_id, reviewer, claimed_at, until)"
            " VALUES (?, ?, ?, ?, ?)",
            [run_id, case_id, reviewer, moment, moment + timedelta(days=1)],
        )
    return case_id


def _rounded(row: dict) -> dict:
    return {k: round(float(v), 4) if isinstance(v, float) else v for k, v in row.items()}


if __name__ == "__main__":
    main()
