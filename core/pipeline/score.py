"""Score cases part by part into the store; repeating a killed scoring resumes it without doubles.

Parts are idempotent by (run, part). The run's name comes from the model's hash and the cases' hash,
so the same call finds the same run, on one machine or on a cluster: both write the same parts.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd

from core.cases.prompts import require_options
from core.decision.thresholds.volume import date_metrics
from core.errors import CasesError, ModelError, NotFoundError
from core.models.base.card import ModelCard, read_card
from core.pipeline.case_parts import CaseParts, CasesInMemory, SpooledCases
from core.pipeline.cluster import Cluster, require_ray, scored_on_cluster
from core.pipeline.group_intake import GroupIntake, plan_groups
from core.pipeline.part_scorer import Engine, PartScorer, ScoredPart, ScoringPlan
from core.pipeline.runs import content_hash, model_run, recorded
from core.pipeline.shared_trunk import SharedTrunk
from core.progress import ProgressBar
from core.settings import Settings
from core.store.samples import Samples
from core.store.store import Store
from core.types import MODEL_KINDS, Run, RunRecord

LAKE_PART_SIZE = 20_000  # where rows stay in their parts: a file for each 500 would be too many
LAKE_PARTS = 2000  # a reader of a run's rows opens its files: larger runs have larger parts
PART_SIZE = 500  # cases; a kill -9 loses at most one part's computation


def default_part_size(cases: int, rows_stay: bool) -> int:
    """Return the cases of a part in a run of `cases`; rows_stay: as of `score`."""
    return max(LAKE_PART_SIZE, -(-cases // LAKE_PARTS)) if rows_stay else PART_SIZE


def score(
    store: Store,
    settings: Settings,
    model: str,
    cases: pd.DataFrame | SpooledCases,
    cases_hash: str,
    dataset: str,
    role: str = "stream",
    samples: int | None = None,
    truncate: bool = False,
    part_size: int | None = None,
    rows_stay: bool = False,
    engine: Engine = "torch",
    trunk: SharedTrunk | None = None,
    cluster: Cluster | None = None,
) -> RunRecord:
    """Score checked cases (core.cases' columns) with a model; return the finished run.

    model: its name. cases: a frame, or files of checked cases. cases_hash: hash of the cases, part
    of the run's identity. dataset, role: what the run is filed under. samples: overrides a
    teacher's N; None keeps it. truncate: read the beginning of texts that are too long instead of
    raising CasesError. part_size: cases in one part; None takes the default. rows_stay: keep the
    rows in their parts' files; the store gets their counts, and reads rows on demand. engine: "onnx"
    runs the model's export in ONNX Runtime. trunk: shared with other models that score the same
    cases in this process; None computes the model's own. cluster: where to score; None is this
    process. The workspace must be at the same path on every machine of a cluster. seconds_per_case
    in the metrics is the model's time alone, from text to answer, over the parts that this call
    computed. Raises CasesError, ModelError.
    """
    total = len(cases) if isinstance(cases, pd.DataFrame) else sum(cases.sizes)
    if not total:
        raise CasesError("cases.nothing_to_score")
    if cluster:
        require_ray()
    folder = settings.models / model
    part_size = part_size or default_part_size(total, rows_stay)
    in_parts = _in_parts(cases, part_size)
    card = _card_for(folder, in_parts, samples)
    run = scoring_run(card, cases_hash, dataset, role, part_size, truncate, engine)
    # Before `recorded`, which would replace the finished run's metrics.
    if finished := _finished(store, run.run_id):
        return finished
    plan = ScoringPlan(
        settings, folder, card, run.run_id, total, truncate, engine, shared=cluster is not None
    )
    with recorded(store, run) as metrics:
        metrics |= _score_missing(store, plan, in_parts, rows_stay, trunk, cluster)
        metrics |= {"cases": total, "dates": _date_metrics(in_parts)}
    return store.run(run.run_id)


def score_models(
    store: Store,
    settings: Settings,
    name: str,
    cases: pd.DataFrame,
    cases_hash: str,
    role: str,
    truncate: bool = False,
) -> dict[str, RunRecord]:
    """Score cases by every model NAME-kind, over one trunk; return the runs by model kind.

    name: of the models, and of the dataset. cases, cases_hash, role, truncate: as of `score`.
    """
    trunk, about = SharedTrunk(), (cases, cases_hash, name, role)
    return {
        kind: score(store, settings, f"{name}-{kind}", *about, truncate=truncate, trunk=trunk)
        for kind in MODEL_KINDS
    }


def _card_for(folder: Path, cases: CaseParts, samples: int | None) -> ModelCard:
    """Return the card of the model in `folder`, with `samples` passes. Raises as `score` does."""
    card = read_card(folder)
    if card.chooses:
        for frame in cases.read_files():
            require_options(frame, card.labels, card.name)
    if samples and card.kind != "teacher":
        raise ModelError("pipeline.samples_for_teachers", name=card.name, kind=card.kind)
    return card.model_copy(update={"samples": samples or card.samples})


def scoring_run(
    card: ModelCard,
    cases_hash: str,
    dataset: str,
    role: str,
    part_size: int,
    truncate: bool = False,
    engine: Engine = "torch",
) -> Run:
    """Return the run of scoring these cases with this model.

    card: the model's. cases_hash, dataset, role, part_size, truncate, engine: as of `score`. The
    same arguments give the same run_id.
    """
    # Engines round otherwise, so each has runs of its own; those of torch keep their names.
    engine_key = [] if engine == "torch" else [engine]
    key = content_hash(card.hash, cases_hash, dataset, role, part_size, truncate, *engine_key)
    settings = {"part_size": part_size, "truncate": truncate, "engine": engine}
    origin = {"dataset": dataset, "role": role, "inputs_hash": cases_hash}
    return model_run("score", card, key, settings=settings, **origin)


def _finished(store: Store, run_id: str) -> RunRecord | None:
    try:
        record = store.run(run_id)
    except NotFoundError:
        return None
    return record if record.state == "finished" else None


def _in_parts(cases: pd.DataFrame | SpooledCases, part_size: int) -> CaseParts:
    if isinstance(cases, pd.DataFrame):
        return CasesInMemory(cases, part_size)
    return SpooledCases(cases.folder, cases.sizes, part_size)


def _score_missing(
    store: Store,
    plan: ScoringPlan,
    cases: CaseParts,
    rows_stay: bool,
    trunk: SharedTrunk | None,
    cluster: Cluster | None,
) -> dict:
    """Score the parts that the store lacks and take them in; return the run's metrics of time."""
    done = store.parts(plan.run_id)
    missing = [part for part in range(len(cases.parts)) if part not in done]
    if cluster and rows_stay:
        plan = replace(plan, groups=plan_groups(missing))
    scored = (
        scored_on_cluster(plan, cases, missing, cluster)
        if cluster
        else _scored_here(PartScorer(plan, trunk), cases, missing)
    )
    groups = GroupIntake(store, plan)
    seconds, timed, device = 0.0, 0, None
    ready = plan.cases - sum(cases.parts[part].size for part in missing)
    run = store.run(plan.run_id).run
    what = f"{run.model} scores {run.dataset}/{run.role}"
    with ProgressBar(total=plan.cases, initial=ready, desc=what, unit=" cases") as bar:
        for part in scored:
            if plan.groups:
                groups.add(part)
            else:
                ingest_scored_part(store, plan.run_id, part, rows_stay)
            bar.update(part.cases)
            seconds, device = seconds + part.seconds, part.device
            timed += part.cases if part.seconds else 0
    per_case = seconds / timed if timed else None
    return {"seconds_per_case": per_case, "timed_cases": timed, "device": device}


def _scored_here(scorer: PartScorer, cases: CaseParts, missing: list[int]) -> Iterator[ScoredPart]:
    """Yield the missing parts, scored in this process."""
    # The model is loaded at the first missing part: a scoring whose parts are all stored loads none.
    for part in missing:
        if part == missing[0]:
            for frame in cases.read_files():
                scorer.check_lengths(frame)
        yield scorer.score_part(part, cases.read_part(part), cases.parts[part].first)


def _date_metrics(cases: CaseParts) -> dict | None:
    days = (frame["occurred_at"].dropna().tolist() for frame in cases.read_files())
    return date_metrics([day for days_of_file in days for day in days_of_file])


def ingest_scored_part(
    store: Store, run_id: str, scored: ScoredPart, rows_stay: bool = False
) -> None:
    """Take a part into the store together with the samples of its kept cases, in one transaction.

    A kill loses or doubles neither. run_id: what the part belongs to. rows_stay: as of
    Store.ingest_part.
    """
    with store.atomic():
        store.ingest_part(run_id, scored.part, scored.path, rows_stay)
        if scored.samples is not None and len(scored.sampled_ids):
            Samples(store).add(run_id, scored.part, scored.sampled_ids, scored.samples)
