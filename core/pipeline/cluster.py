"""Score a run's parts, or sample a teacher's, on Ray: actors that load the model once.

Ray Data hands each part's number to an actor, which reads the part's cases from the workspace and
writes the part's file there, so that no case passes through Ray's object store. Ray repeats a part
whose actor died; the repeated part finds its file. Needs requirements-cluster.txt, and a workspace
at the same path on every machine.
"""

import logging
import os
import pickle
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from core.errors import KakushinError, SettingsError
from core.files import private_folder
from core.pipeline.case_parts import (
    CaseParts,
    CasesInMemory,
    SpooledCases,
    text_frame,
    write_spool,
)
from core.pipeline.group_intake import count_if_complete
from core.pipeline.part_scorer import PartScorer, ScoredPart, ScoringPlan
from core.progress import is_main_process
from core.settings import Settings

LOCAL_STORE = 200_000_000  # bytes; Ray's own default takes a third of the memory for nothing here


@dataclass(frozen=True)
class Cluster:
    """The machines that score.

    address: of a running Ray cluster; None starts Ray on this machine and stops it afterwards.
    workers: actors, each with a model; None is one for each processor core of the cluster, or for
    each gpus_per_worker of its GPUs. gpus_per_worker: 0 scores on processors.
    """

    address: str | None = None
    workers: int | None = None
    gpus_per_worker: float = 0.0

    def __post_init__(self) -> None:
        if self.workers is not None and self.workers < 1:
            raise SettingsError("pipeline.cluster_workers", workers=self.workers)
        if not self.gpus_per_worker >= 0:
            raise SettingsError("pipeline.cluster_gpus", gpus=self.gpus_per_worker)


def require_ray() -> None:
    """Raise SettingsError, which says what to install, if Ray is missing."""
    if find_spec("ray") is None:
        raise SettingsError("pipeline.ray_missing")


def scored_on_cluster(
    plan: ScoringPlan, cases: CaseParts, missing: list[int], cluster: Cluster
) -> Iterator[ScoredPart]:
    """Yield the missing parts as they are ready, scored by the cluster's actors.

    plan: of the run. cases: of all parts. missing: numbers of the parts to score. Raises what the
    scoring of a part raises, and SettingsError if the cluster fails.
    """
    if not missing:
        return
    with _spooled(plan, cases) as spool, _running(cluster) as ray:
        yield from map_on_ray(ray, _Actor, (plan, spool), missing, cluster)


class _Actor:
    """A process of the cluster: loads the model, then scores one part after another."""

    def __init__(self, plan: ScoringPlan, cases: SpooledCases):
        self.scorer, self.cases = PartScorer(plan), cases

    def __call__(self, part: int) -> ScoredPart:
        cases = self.cases.read_part(part)
        self.scorer.check_lengths(cases)
        scored = self.scorer.score_part(part, cases, self.cases.parts[part].first)
        if self.scorer.plan.groups:
            count_if_complete(self.scorer.plan, part)
        return scored


def sampled_on_cluster(
    settings: Settings, cluster: Cluster, plan: Any, parts: Sequence[Any], teacher: Any
) -> Iterator[int]:
    """Yield the number of cases of each part that the cluster's actors have sampled.

    It is a core.models.training.teacher_parts.PartRunner once settings and cluster are given: plan
    and parts are of that module, and the teacher of this process is not used. Raises as
    scored_on_cluster does.
    """
    missing = []
    for number, part in enumerate(parts):
        if part.path(plan).is_file():
            yield len(part.rows)
        else:
            missing.append(number)
    # Of several processes one asks the cluster, and the others wait.
    if not missing or not is_main_process():
        return
    # The actors choose a device of their own machine.
    plan = replace(plan, device=settings.device)
    folder = private_folder(settings.cache / "scoring" / f"teacher-{plan.teacher_hash[:10]}")
    sizes = tuple(write_spool(folder, i, text_frame(p.texts)) for i, p in enumerate(parts))
    spool = SpooledCases(folder, sizes, max(sizes))
    shells = [replace(part, texts=[]) for part in parts]
    with _running(cluster) as ray:
        yield from map_on_ray(ray, _SamplingActor, (plan, shells, spool), missing, cluster)
    shutil.rmtree(folder)  # not after an error: `purge` deletes it, or the same call


class _SamplingActor:
    """A process of the cluster: loads the teacher, then samples one part after another."""

    def __init__(self, plan: Any, parts: list, texts: SpooledCases):
        from core.models.training.teacher_parts import PartSampler

        self.sampler, self.parts, self.texts = PartSampler(plan), parts, texts

    def __call__(self, part: int) -> int:
        texts = self.texts.read_part(part)["text"].tolist()
        return self.sampler.sample_part(replace(self.parts[part], texts=texts))


class _Mapped:
    """An actor of Ray Data: from a batch of numbers to the pickled results, a column of bytes."""

    def __init__(self, kind: Callable[..., Callable[[int], Any]], arguments: tuple):
        self.act = kind(*arguments)

    def __call__(self, batch: dict) -> dict:
        return {"result": [pickle.dumps(self._result(int(number))) for number in batch["number"]]}

    def _result(self, number: int) -> Any:
        try:
            return self.act(number)
        except KakushinError as e:  # returned, since Ray keeps an exception's text alone
            return e


def map_on_ray(
    ray: Any,
    kind: Callable[..., Callable[[int], Any]],
    arguments: tuple,
    numbers: list[int],
    cluster: Cluster,
) -> Iterator[Any]:
    """Yield kind(*arguments)(number) for each number, in the order in which actors finish.

    ray: the started module. kind: called once in each actor. arguments: picklable. numbers: one
    block each, so that a result is here as soon as it is computed. cluster: its number of actors.
    Raises the error of ours that an actor raised, else SettingsError.
    """
    blocks = ray.data.from_items([{"number": n} for n in numbers], override_num_blocks=len(numbers))
    mapped = blocks.map_batches(
        _Mapped,
        fn_constructor_args=(kind, arguments),
        batch_size=1,
        compute=ray.data.ActorPoolStrategy(size=min(_workers(ray, cluster), len(numbers))),
        num_cpus=1,
        num_gpus=cluster.gpus_per_worker or None,
    )  # Ray Data restarts actors and repeats their parts without limit.
    try:
        for row in mapped.iter_rows():
            result = pickle.loads(row["result"])  # noqa: S301 - made by our own actor, above
            if isinstance(result, KakushinError):
                raise result
            yield result
    except ray.exceptions.RayError as e:
        lines = [line for line in str(e).splitlines() if line.strip()] or [type(e).__name__]
        raise SettingsError("pipeline.ray_failed", reason=lines[-1].strip()) from e


def _workers(ray: Any, cluster: Cluster) -> int:
    if cluster.workers:
        return cluster.workers
    have = ray.cluster_resources()
    if cluster.gpus_per_worker:
        return max(1, int(have.get("GPU", 0) / cluster.gpus_per_worker))
    return max(1, int(have.get("CPU", 1)))


@contextmanager
def _spooled(plan: ScoringPlan, cases: CaseParts) -> Iterator[SpooledCases]:
    """Yield the cases as files of the workspace; delete those that the block does not inherit."""
    if isinstance(cases, SpooledCases):
        yield cases
        return
    assert isinstance(cases, CasesInMemory)
    folder = private_folder(spool_folder(plan))
    write_spool(folder, 0, cases.frame)
    yield SpooledCases(folder, (len(cases.frame),), cases.part_size)
    # Not after an error: the same call uses them again. They hold texts of cases.
    shutil.rmtree(folder)


def spool_folder(plan: ScoringPlan) -> Path:
    """Return the folder of a run's checked cases while a cluster scores them."""
    return plan.settings.cache / "scoring" / plan.run_id


@contextmanager
def _running(cluster: Cluster) -> Iterator[Any]:
    """Yield the module ray, connected; a Ray that was started here stops with the block."""
    # Ray reports usage to its makers unless it is told not to.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import ray
    import ray.data

    # Ray's own default gives workers the lowest priority, which a busy machine never serves.
    os.environ.setdefault("RAY_worker_niceness", "0")
    started = not ray.is_initialized()
    if started:
        place: dict = {"address": cluster.address}
        if cluster.address is None:
            place = {"address": "local", "include_dashboard": False}
            place |= {"object_store_memory": LOCAL_STORE, "num_cpus": cluster.workers}
        ray.init(log_to_driver=False, logging_level=logging.ERROR, **place)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    try:
        # Ray's messages about dead workers go to standard output, which belongs to the verb.
        with redirect_stdout(sys.stderr):
            yield ray
    finally:
        if started:
            ray.shutdown()
