"""Which runs belong together: the one to open first, those that scored the same cases, those that
calibrate them.

Pure: run records in, run records out. Knows nothing of how a run is stored or shown.
"""

from core.types import KIND_ORDER, RunRecord

_ORDER = {kind: place for place, kind in enumerate(KIND_ORDER)}


def listed(runs: list[RunRecord]) -> list[RunRecord]:
    """Return the runs to choose from, newest first: those of a stream, or all where there is no
    stream.
    """
    stream = [record for record in runs if record.run.role == "stream"]
    return stream or list(runs)


def first(runs: list[RunRecord]) -> RunRecord:
    """Return the run to open when none is chosen, of those listed: finished ones first, then
    students, then the newest.
    """
    return min(
        listed(runs), key=lambda record: (record.state != "finished", _ORDER[record.run.model_kind])
    )


def same_cases(runs: list[RunRecord], chosen: RunRecord) -> dict[str, RunRecord]:
    """Return {model kind: run} of `chosen`, first, and the newest finished run of each other kind
    on the same cases.
    """
    run = chosen.run
    key = (run.dataset, run.role, run.inputs_hash)
    found = {run.model_kind: chosen}
    others = [
        r
        for r in runs
        if (r.run.dataset, r.run.role, r.run.inputs_hash) == key and r.state == "finished"
    ]
    # stable: the newest of a kind comes first
    for record in sorted(others, key=lambda r: _ORDER[r.run.model_kind]):
        found.setdefault(record.run.model_kind, record)
    return found


def calibration_of(runs: list[RunRecord], shown: dict[str, RunRecord]) -> dict[str, RunRecord]:
    """Return {model kind: finished calibration run} of the models that are shown, all on the same
    held-out cases.

    The first model's newest calibration run names the cases; a model that did not score those is
    left out.
    """
    found: dict[str, RunRecord] = {}
    for kind, record in shown.items():
        for candidate in runs:
            run = candidate.run
            same_model = (run.dataset, run.model_hash) == (
                record.run.dataset,
                record.run.model_hash,
            )
            if run.role != "calibration" or candidate.state != "finished" or not same_model:
                continue
            if not found or run.inputs_hash == next(iter(found.values())).run.inputs_hash:
                found[kind] = candidate
                break
    return found
