"""Select runs that belong together: the run to open first, runs on the same cases, and their
calibration runs; and compare runs in frames.

Pure: run records and counts in, run records and frames out. Knows no store and no screen.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from core.counts.histogram import AcceptanceCurve, Histogram
from core.report.evidence import calibration_summary
from core.types import KIND_ORDER, Interval, RunRecord

_ORDER = {kind: place for place, kind in enumerate(KIND_ORDER)}


def selectable_runs(runs: list[RunRecord]) -> list[RunRecord]:
    """Return the runs to choose from, newest first: those of a stream, or all without a stream."""
    stream = [record for record in runs if record.run.role == "stream"]
    return stream or list(runs)


def default_selection(runs: list[RunRecord], pinned: Sequence[str] = ()) -> RunRecord:
    """Return the run to open by default: the first of `pinned` that exists, so that an upload never
    takes over; else finished runs first, then students, then the newest.

    pinned: ids of runs, such as those that lines open.
    """
    by_id = {record.run.run_id: record for record in selectable_runs(runs)}
    for run_id in pinned:
        if run_id in by_id:
            return by_id[run_id]
    # min takes the first of equals, and the runs come newest first.
    return min(
        selectable_runs(runs),
        key=lambda record: (record.state != "finished", _ORDER[record.run.model_kind]),
    )


def same_cases(runs: list[RunRecord], selected: RunRecord) -> dict[str, RunRecord]:
    """Return {model kind: run} of `selected`, first, and the newest finished run of each other kind
    on the same cases.
    """
    run = selected.run
    key = (run.dataset, run.role, run.inputs_hash)
    by_kind = {run.model_kind: selected}
    others = [
        r
        for r in runs
        if (r.run.dataset, r.run.role, r.run.inputs_hash) == key and r.state == "finished"
    ]
    # sorted is stable, so the newest run of a kind stays first.
    for record in sorted(others, key=lambda r: _ORDER[r.run.model_kind]):
        by_kind.setdefault(record.run.model_kind, record)
    return by_kind


def calibration_of(runs: list[RunRecord], selected: dict[str, RunRecord]) -> dict[str, RunRecord]:
    """Return {model kind: finished calibration run} of the selected models, all on the same
    held-out cases.

    The newest calibration run of the first model sets the cases; a model that did not score them is
    left out.
    """
    by_kind: dict[str, RunRecord] = {}
    for kind, record in selected.items():
        for candidate in runs:
            run = candidate.run
            same_model = (run.dataset, run.model_hash) == (
                record.run.dataset,
                record.run.model_hash,
            )
            if run.role != "calibration" or candidate.state != "finished" or not same_model:
                continue
            if not by_kind or run.inputs_hash == next(iter(by_kind.values())).run.inputs_hash:
                by_kind[kind] = candidate
                break
    return by_kind


COVERAGE_RISK = 0.05
BOOTSTRAP_DRAWS = 500
RUN_MEASURES = ("accuracy", "ece", "coverage_at_5")
_RIGHT, _WRONG, _UNSEEN = 0, 1, 2  # core.types.OUTCOMES
_FIELDS = (
    "kind",
    "model",
    "model_kind",
    "model_hash",
    "dataset",
    "role",
    "inputs_hash",
    "samples",
    "seed",
)


def run_frame(runs: list[RunRecord]) -> pd.DataFrame:
    """Return one row a run, in the order of `runs`: its times, names, numbers and hashes; NaN for a
    missing figure.
    """
    rows = [
        {
            "created_at": record.run.created_at,
            "kind": record.run.kind,
            "model_kind": record.run.model_kind,
            "model": record.run.model,
            "dataset": record.run.dataset,
            "role": record.run.role,
            "state": record.state,
            "cases": record.cases
            if record.run.kind == "score"
            else record.metrics.get("fit_cases", record.metrics.get("cases")),
            "duration_s": record.duration_s,
            "seconds_per_case": record.metrics.get("seconds_per_case"),
            "samples": record.run.samples,
            "model_hash": record.run.model_hash,
            "inputs_hash": record.run.inputs_hash,
            "run_id": record.run.run_id,
        }
        for record in runs
    ]
    return (
        pd.DataFrame(rows).astype(dict.fromkeys(("cases", "duration_s", "seconds_per_case"), float))
        if rows
        else pd.DataFrame()
    )


def run_differences(runs: list[RunRecord]) -> pd.DataFrame:
    """Return one row a field, setting or version in which the runs differ: name, then a column a
    run id; None for a missing value.
    """
    flat = {record.run.run_id: _flat(record) for record in runs}
    names = dict.fromkeys(name for fields in flat.values() for name in fields)
    rows: list[dict[str, str | None]] = [
        {"name": name, **{run_id: fields.get(name) for run_id, fields in flat.items()}}
        for name in names
    ]
    differing = [row for row in rows if len({row[run_id] for run_id in flat}) > 1]
    return pd.DataFrame(differing, columns=["name", *flat], dtype=object)


def _flat(record: RunRecord) -> dict[str, str]:
    """Return fields, settings and versions by dotted name, as text."""
    fields = {name: str(getattr(record.run, name)) for name in _FIELDS} | {
        "labels": str(len(record.run.labels))
    }
    nested = {"settings": record.run.settings, "versions": record.run.versions}
    while nested:
        prefix, value = nested.popitem()
        if isinstance(value, Mapping):
            nested |= {f"{prefix}.{key}": inner for key, inner in value.items()}
        else:
            fields[prefix] = str(value)
    return dict(sorted(fields.items()))


def measure_frame(counts: Mapping[str, Histogram], unseen: bool = True) -> pd.DataFrame:
    """Return one row a run and measure of RUN_MEASURES: run_id, measure, value, low, high, n
    (labelled cases); NaN if unknown.

    `unseen`: whether cases whose label the model was not trained on count, as wrong.
    """
    rows = []
    for run_id, histogram in counts.items():
        summary = calibration_summary(histogram, unseen)
        measures = (summary.accuracy, summary.ece, coverage_at(histogram, COVERAGE_RISK, unseen))
        rows += [
            {
                "run_id": run_id,
                "measure": name,
                "value": x.value,
                "low": x.low,
                "high": x.high,
                "n": x.n,
            }
            for name, x in zip(RUN_MEASURES, measures, strict=True)
        ]
    columns = ["run_id", "measure", "value", "low", "high", "n"]
    return pd.DataFrame(rows, columns=columns).astype(
        dict.fromkeys(("value", "low", "high"), float)
    )


def coverage_at(
    histogram: Histogram, risk: float, unseen: bool = True, seed: int = 0, level: float = 0.95
) -> Interval:
    """Return the largest coverage of the labelled cases with a selective risk of at most `risk`; 0
    if no threshold reaches it.

    histogram: the counts of a run.
    risk: the highest admissible selective risk.
    unseen: whether cases whose label the model was not trained on count, as wrong.
    seed: of the bootstrap.
    level: of the interval.
    """
    accepted = AcceptanceCurve(histogram).accepted
    right = accepted[_RIGHT]
    wrong = accepted[_WRONG] + (accepted[_UNSEEN] if unseen else 0)
    n = int(right[0] + wrong[0])
    if n == 0:
        return Interval(None, None, None, 0, level)
    steps = np.concatenate([_steps(right), _steps(wrong)])
    # A multinomial draw of the binned counts is a bootstrap of the cases, without their n rows.
    drawn = np.random.default_rng(seed).multinomial(n, steps / n, BOOTSTRAP_DRAWS)
    half = len(steps) // 2
    coverage = _largest(_above(drawn[:, :half]), _above(drawn[:, half:]), risk)
    low, high = np.quantile(coverage, [(1 - level) / 2, (1 + level) / 2])
    return Interval(
        float(_largest(right[None], wrong[None], risk)[0]), float(low), float(high), n, level
    )


def _steps(accepted: np.ndarray) -> np.ndarray:
    """Return the cases between each threshold and the next, [1001], from the accepted at each."""
    return accepted - np.append(accepted[1:], 0)


def _above(steps: np.ndarray) -> np.ndarray:
    """Return the accepted at each threshold, [..., 1001], from the cases between them."""
    return steps[..., ::-1].cumsum(-1)[..., ::-1]


def _largest(right: np.ndarray, wrong: np.ndarray, risk: float) -> np.ndarray:
    """Return the largest coverage [draws] at a threshold that accepts cases at a risk of at most
    `risk`, from counts [draws, 1001].
    """
    accepted = right + wrong
    within = (accepted > 0) & (wrong <= risk * accepted)
    return np.where(within, accepted, 0).max(-1) / accepted[:, 0]
