"""Measure how often a certificate breaks its word and what it costs: the product's own `certify`.

    python -m benchmarks.certificate [--sets 2000] [--n 2000]

The population is real: all labelled scores of the demo's student (its calibration and stream runs),
so the true risk of every threshold is known exactly, and drawing from it with replacement gives
independent calibration sets. Each set is certified by the product's own `certify`. A certificate
whose threshold has a true risk above the target is a violation; the oracle knows the population and
accepts as much as the target allows. Two populations: "all", where a location that the model was
never trained on (half of this stream) makes any answer wrong, and "seen", without those cases.

Targets are set from the population before any set is drawn: the whole percent at which the oracle
accepts nearest to a quarter, to half and to three quarters of the cases. The limit on coverage is
tested at a half and at three quarters. At a quarter it is only reported: few cases are accepted.

Two figures on the same sets bound what a better procedure could gain. No procedure reaches them:
both use the population, which a certificate must not.
  best_start_over_oracle
      the fixed sequence without a pilot, with all of delta, from the start that turns out best
  alone_over_oracle
      the loosest threshold that passes at all of delta, as if it alone had been tested. No valid
      procedure on the p-values of all n certifies a looser one; this one itself is not valid
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np

from core.cases.workorders import ORDERS_LINE as NAME
from core.decision.certificate.certify import TESTED_THRESHOLDS, certify_threshold
from core.decision.certificate.claims import (
    CERTIFIABLE_RISKS,
    LEAKAGE,
    Certificate,
    CertificateOrigin,
    RiskPromise,
)
from core.errors import NotFoundError
from core.settings import Settings
from core.stats.risk_control import p_values
from core.store.store import Store

SHARES = {"quarter": 0.25, "half": 0.5, "three quarters": 0.75}
JUDGED = ("half", "three quarters")
COVERAGE_LIMIT = 0.85
DELTA = 0.05
ORIGIN = CertificateOrigin("not used here", NAME, date(2000, 1, 1), date(2000, 1, 1))


def main() -> None:
    """Measure, print one JSON object, exit 1 where a limit is not reached."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.certificate", description=__doc__.splitlines()[0]
    )
    parser.add_argument(
        "--sets", type=int, default=2000, help="calibration sets for each target (default: 2000)"
    )
    parser.add_argument(
        "--n", type=int, default=2000, help="cases in a calibration set (default: 2000)"
    )
    arguments = parser.parse_args()
    try:
        populations = read_populations(Settings())
    except NotFoundError as e:
        raise SystemExit(f"{e}: run `make demo` first") from e
    result = measure(populations, arguments.sets, arguments.n)
    print(json.dumps(result, indent=2))
    raise SystemExit(0 if result["reached"] else 1)


@dataclass(frozen=True)
class Population:
    """confidence [N] and right [N], from strict to loose, and what is true of each threshold of
    GRID, [G].
    """

    name: str
    confidence: np.ndarray
    right: np.ndarray

    def truth(self, measure: str) -> tuple[np.ndarray, np.ndarray]:
        """Coverage and risk of each threshold of GRID, [G] each; risk 0 where nothing is
        accepted.
        """
        accepted = len(self.confidence) - np.searchsorted(
            self.confidence[::-1], TESTED_THRESHOLDS, side="left"
        )
        wrong = np.append(0, np.cumsum(~self.right))[accepted]
        among = len(self.confidence) if measure == LEAKAGE else np.maximum(accepted, 1)
        return accepted / len(self.confidence), wrong / among

    def oracle(self, measure: str, target: float) -> float:
        """The most coverage that any threshold, on the grid or not, has with a true risk of at most
        the target.
        """
        # equal scores go together
        accepted = np.flatnonzero(np.append(np.diff(self.confidence) != 0, True)) + 1
        among = len(self.confidence) if measure == LEAKAGE else accepted
        within = accepted[np.cumsum(~self.right)[accepted - 1] / among <= target]
        return float(within.max(initial=0)) / len(self.confidence)

    def targets(self, measure: str) -> Iterator[tuple[str, float]]:
        """(share's name, target): the whole percent at which the oracle accepts nearest to that
        share.
        """
        percents = np.arange(1, 100) / 100
        coverage = np.array([self.oracle(measure, a) for a in percents])
        for name, share in SHARES.items():
            yield name, float(percents[np.abs(coverage - share).argmin()])


def read_populations(settings: Settings) -> list[Population]:
    """All labelled scores of the demo's newest student, and those whose location it was trained
    on.
    """
    store = Store(settings.store)
    runs = [
        r.run
        for r in store.runs("score")
        if r.run.model_kind == "student" and r.run.dataset == NAME
    ]
    runs = [
        run
        for run in runs
        if run.role in ("calibration", "stream") and run.model_hash == runs[0].model_hash
    ]
    if not runs:
        raise NotFoundError(f"no scored run of a student on {NAME} in the store {settings.store}")
    frames = [store.predictions(run.run_id, ["confidence", "outcome"]) for run in runs]
    confidence = np.concatenate([f["confidence"].to_numpy() for f in frames])
    outcome = np.concatenate([f["outcome"].to_numpy(dtype=str) for f in frames])
    labelled = outcome != "unlabelled"
    return [
        population("all", confidence[labelled], outcome[labelled]),
        population(
            "seen",
            confidence[labelled & (outcome != "unseen")],
            outcome[labelled & (outcome != "unseen")],
        ),
    ]


def population(name: str, confidence: np.ndarray, outcome: np.ndarray) -> Population:
    order = np.argsort(-confidence, kind="stable")
    return Population(name, confidence[order], outcome[order] == "right")


def measure(populations: list[Population], sets: int, n: int) -> dict:
    """The benchmark's JSON object."""
    rows = [
        row(cases, RiskPromise(kind, target, DELTA), share, sets, n)
        for cases in populations
        for kind in CERTIFIABLE_RISKS
        for share, target in cases.targets(kind)
    ]
    limit = DELTA + 2 * (DELTA * (1 - DELTA) / sets) ** 0.5
    judged = [r for r in rows if r["oracle_accepts"] in JUDGED]
    worst = {"violation_rate": max(r["violation_rate"] for r in rows)}
    worst["coverage_over_oracle"] = min(r["coverage_over_oracle"] for r in judged)
    return {
        "benchmark": "certificate",
        "population": {
            p.name: {"cases": len(p.right), "wrong": int((~p.right).sum())} for p in populations
        },
        "sets": sets,
        "n": n,
        "delta": DELTA,
        "violation_limit": round(limit, 4),
        "coverage_limit": (
            f"at least {COVERAGE_LIMIT} where the oracle accepts {' or '.join(JUDGED)}"
        ),
        **worst,
        "targets": rows,
        "reached": (
            worst["violation_rate"] <= limit and worst["coverage_over_oracle"] >= COVERAGE_LIMIT
        ),
    }


def row(cases: Population, promise: RiskPromise, share: str, sets: int, n: int) -> dict:
    """One promise on `sets` calibration sets, each drawn and certified on its own."""
    coverage, risk = cases.truth(promise.measure)
    oracle = cases.oracle(promise.measure, promise.target)
    generator = np.random.default_rng([sets, n, round(100 * promise.target)])
    at = np.full(sets, -1)  # position on GRID of each certificate; -1: none
    starts, alone = np.zeros(len(TESTED_THRESHOLDS)), np.zeros(sets)
    for i in range(sets):
        drawn = generator.integers(0, len(cases.right), n)
        found = certify_threshold(cases.confidence[drawn], cases.right[drawn], promise, ORIGIN)
        if isinstance(found, Certificate):
            at[i] = np.searchsorted(-TESTED_THRESHOLDS, -found.threshold)
        passes = alone_passes(cases.confidence[drawn], cases.right[drawn], promise)
        starts += covered_from(passes, coverage)
        alone[i] = coverage[passes].max(initial=0)
    covered = np.where(at >= 0, coverage[at], 0) / oracle
    return {
        "population": cases.name,
        "measure": promise.measure,
        "oracle_accepts": share,
        "target": promise.target,
        "oracle_coverage": round(oracle, 4),
        "certified_share": float((at >= 0).mean()),
        "violation_rate": float(((at >= 0) & (risk[at] > promise.target)).mean()),
        "coverage_over_oracle": round(float(covered.mean()), 4),
        "standard_error": round(float(covered.std() / sets**0.5), 4),
        "best_start_over_oracle": round(float(starts.max() / sets / oracle), 4),
        "alone_over_oracle": round(float(alone.mean() / oracle), 4),
    }


def alone_passes(confidence: np.ndarray, right: np.ndarray, promise: RiskPromise) -> np.ndarray:
    """[G] bool: the thresholds of GRID that pass at all of delta on these cases, each as if no
    other were tested.
    """
    accepted, errors = (
        len(x) - np.searchsorted(np.sort(x), TESTED_THRESHOLDS, side="left")
        for x in (confidence, confidence[~right])
    )
    among = np.full_like(accepted, len(confidence)) if promise.measure == LEAKAGE else accepted
    return (p_values(errors, among, promise.target) <= promise.delta) & (accepted > 0)


def covered_from(passes: np.ndarray, coverage: np.ndarray) -> np.ndarray:
    """[G]: the coverage that the fixed sequence certifies from each start: that just before its
    first failure, or 0.
    """
    stop = np.minimum.accumulate(
        np.where(passes, len(TESTED_THRESHOLDS), np.arange(len(TESTED_THRESHOLDS)))[::-1]
    )[::-1]
    return np.where(stop > np.arange(len(TESTED_THRESHOLDS)), coverage[stop - 1], 0.0)


if __name__ == "__main__":
    main()
