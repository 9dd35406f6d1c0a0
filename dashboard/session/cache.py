"""Caches that all sessions share: the store, results per store version, and models in memory.

A result is computed once, even if several sessions request it at the same time, and is shared:
never change what a function returns. Knows no session; of the choices only those of a promise.
"""

import gc
import os
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, lru_cache, partial, wraps
from pathlib import Path
from threading import Lock, RLock
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

import pandas as pd

from core.counts.histogram import AcceptanceCurve, Histogram
from core.counts.joint import JointCounts, JointCumulative
from core.decision.certificate.claims import Certificate, NotCertified
from core.decision.money.scenario import MoneyScenario
from core.pipeline import ask, uploads, workspace
from core.pipeline.uploads import Checked, ColumnNames, ReadingOptions, Upload
from core.report import evidence, money
from core.settings import Settings
from core.store.entries import PolicyEvent, PolicyVersion
from core.store.ledger import Ledger
from core.store.lines import LineSettings, read_lines
from core.store.store import Store
from core.types import Run, RunRecord
from dashboard.session import identity
from dashboard.session.address import ALL, Choices

P = ParamSpec("P")
T = TypeVar("T")

LOCK_SECONDS = 30.0  # how long a page waits for its turn at the store before it says so
RESULTS = 64  # results of cached_result that are kept, a few hundred kilobytes each at most


@dataclass
class _Entry:
    lock: RLock = field(default_factory=RLock)
    done: bool = False  # not `value is None`: None is a valid result
    value: Any = None


class SharedCache(Generic[T]):
    """An LRU cache of `most` results by key, safe for threads. A failed call is tried again."""

    def __init__(self, most: int) -> None:
        self._most, self._lock = most, Lock()
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return the result under `key`; the first call computes it with make().

        Other sessions that request the key meanwhile wait for it. Raises whatever make() raises.
        """
        with self._lock:
            entry = self._entries.setdefault(key, _Entry())
            self._entries.move_to_end(key)
            # dropped even while a session computes it: that session holds the entry itself
            if len(self._entries) > self._most:
                self._entries.popitem(last=False)
        # under the entry's own lock: a slow result blocks only the sessions that need it
        with entry.lock:
            if not entry.done:
                entry.value, entry.done = make(), True
        return entry.value


@dataclass(frozen=True, eq=False)
class _Itself:
    """An object that equals only itself. The key holds it, so its id is not reused."""

    it: object

    def __hash__(self) -> int:
        return id(self.it)

    def __eq__(self, value: object) -> bool:
        return isinstance(value, _Itself) and self.it is value.it


def _key(arg: object) -> Hashable:
    """Return a hashable key of an argument: by value if it hashes, else by identity.

    Counts and frames come out of caches themselves, so equal content is the same object; comparing
    their content on every run would cost what the cache saves.
    """
    if isinstance(arg, Mapping):
        return tuple((name, _key(value)) for name, value in arg.items())
    try:
        hash(arg)
    except TypeError:
        return _Itself(arg)
    # 1, 1.0 and True are equal and hash alike, but are written differently: the type tells them
    # apart
    return type(arg), arg


_results: SharedCache = SharedCache(RESULTS)


def cached_result(make: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Return make(*args): a frame, table or figure, computed once for the same arguments.

    Raises whatever `make` raises. Not for results that depend on the threshold: a thousand of them
    would push out everything else.
    """
    key = (make, *map(_key, args), _key(kwargs))
    return _results.get(key, partial(make, *args, **kwargs))


# --- the workspace and its store


def settings() -> Settings:
    """Return the settings of the workspace. Raises AccessError for a session without a role."""
    _require_reader()
    return Settings()


def store() -> Store:
    """Return the store for pages that write: every call is checked for this session's person."""
    return _store(_folder()).acting_for(identity.acting_principal())


def data_version() -> tuple:
    """Return the version of the store's content; every commit changes it. Raises AccessError."""
    _require_reader()
    return store().version()


def library_versions() -> dict[str, str]:
    """Return the versions of the store's schema and of the libraries. Raises StoreError."""
    return workspace.versions(store())


_checks: SharedCache[Checked] = SharedCache(8)


def checked_upload(upload: Upload, columns: ColumnNames | None, options: ReadingOptions) -> Checked:
    """Return the content of a stored file, read once in a separate process.

    upload: the stored file. columns: names of its columns, None to detect them. options: encoding
    and the like. Raises CasesError.
    """
    current = settings()
    check = partial(uploads.check_upload, current, upload, columns, options)
    return _checks.get((current.home, upload, columns, options), check)


# Reading all settings takes a third of a millisecond, and a run needs the folder some twenty times;
# the environment is the key, so a changed variable still takes effect.
def _folder() -> Path:
    named = (item for item in os.environ.items() if item[0].upper().startswith("KAKUSHIN_"))
    return _store_folder(tuple(named))


@lru_cache(maxsize=8)
def _store_folder(environment: tuple) -> Path:
    return Settings().store


_stores: SharedCache[Store] = SharedCache(8)


def _store(folder: Path) -> Store:
    # Shared by all sessions, so its principal may write nothing.
    make = partial(Store, folder, timeout_s=LOCK_SECONDS, principal=identity.SERVER)
    return _stores.get(folder, make)


def _require_reader() -> None:
    """Raise AccessError unless this session's person may read: a cached result skips the store."""
    identity.session_principal().require("store.read")


# --- read or computed once a version of the store: each raises StoreError, and AccessError


def _once_a_version(most: int) -> Callable[[Callable[Concatenate[Store, P], T]], Callable[P, T]]:
    """Decorate f(store, *args) to f(*args), which caches the `most` latest results."""

    def decorate(make: Callable[Concatenate[Store, P], T]) -> Callable[P, T]:
        results: SharedCache[T] = SharedCache(most)

        @wraps(make)
        def cached(*args: P.args, **kwargs: P.kwargs) -> T:
            _require_reader()
            folder = _folder()
            opened = _store(folder)
            # The version is read before the data: a commit in between stores newer data under an
            # older key, which later calls no longer look up.
            key = (folder, opened.version(), args, *kwargs.items())
            return results.get(key, partial(make, opened, *args, **kwargs))

        return cached

    return decorate


def cached_query(make: Callable[Concatenate[Store, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Return make(store, *args) of a module's function or a store's method; for small results."""
    # a dict does not hash, so the keywords travel as a tuple
    return _query(make, args, tuple(kwargs.items()))


@_once_a_version(256)
def _query(store: Store, make: Callable[..., T], args: tuple, named: tuple) -> T:
    return make(store, *args, **dict(named))


@_once_a_version(64)
def cached_from_predictions(
    store: Store,
    make: Callable[..., T],
    columns: tuple[str, ...],
    run_ids: tuple[str, ...],
    *args: Hashable,
) -> T:
    """Return make(*tables, *args), with a table of predictions for each run.

    make: a pure function of a module. columns: columns of each table. run_ids: one table each, in
    this order. args: further arguments of `make`. Raises also whatever `make` raises.
    """
    return make(*(store.predictions(run_id, list(columns)) for run_id in run_ids), *args)


def runs() -> list[RunRecord]:
    """Return the scoring runs, newest first."""
    return cached_query(Store.runs, "score")


def all_runs() -> list[RunRecord]:
    """Return the runs of every kind, newest first."""
    return cached_query(Store.runs)


def line_settings() -> dict[str, LineSettings]:
    """Return the settings of every line by its name, the first saved line first."""
    return cached_query(read_lines)


@_once_a_version(8)
def active_policy(store: Store) -> PolicyVersion | None:
    """Return the active policy, None if no policy is active."""
    return Ledger(store).active_policy()


@_once_a_version(8)
def policies(store: Store) -> tuple[list[PolicyVersion], list[PolicyEvent]]:
    """Return all versions of all policies, newest first, and all their events, oldest first."""
    ledger = Ledger(store)
    with store.reading():  # one snapshot: no event without its version
        return ledger.policies(), ledger.policy_events()


def histogram(run_id: str) -> Histogram:
    """Return a run's histogram."""
    return cached_query(Store.histogram, run_id)


@_once_a_version(48)
def cumulative(store: Store, run_id: str, segment: str = ALL) -> AcceptanceCurve:
    """Return the cumulative counts of a run, of one segment or all."""
    counts = histogram(run_id)
    return AcceptanceCurve(counts if segment == ALL else counts.select(segments=(segment,)))


# few results, since a frame of joint counts is large
@_once_a_version(4)
def joint_rows(store: Store, run_id: str) -> pd.DataFrame:
    """Return a run's counted rows (Store.joint_counts)."""
    return store.joint_counts(run_id)


@_once_a_version(24)
def joint(store: Store, run_id: str, segment: str, unseen: bool) -> JointCumulative:
    """Return the joint counts of a run over all classes, of one segment or all.

    run_id, segment: which counts; ALL for every segment. unseen: whether cases count whose label
    the model was not trained on. All classes and segments share one cell: a single threshold needs
    no more, and the result is some hundred times smaller.
    """
    rows = joint_rows(run_id)
    rows = rows if segment == ALL else rows[rows["segment"] == segment]
    one_cell = [ALL] * len(rows)
    columns = (rows[name] for name in ("outcome", "step", "epistemic_bin", "n"))
    counts = JointCounts.from_rows([ALL], [ALL], one_cell, one_cell, *columns)
    return JointCumulative(counts if unseen else counts.without_unseen())


@_once_a_version(4)  # tens of megabytes each
def cells(store: Store, run_id: str, unseen: bool) -> JointCumulative:
    """Return the joint counts of a run by segment and predicted class."""
    rows, names = joint_rows(run_id), histogram(run_id)
    keys = ("segment", "predicted", "outcome", "step", "epistemic_bin", "n")
    counts = JointCounts.from_rows(names.segments, names.classes, *(rows[key] for key in keys))
    return JointCumulative(counts if unseen else counts.without_unseen())


@_once_a_version(16)
def cases_between(store: Store, run_id: str, low: float, high: float, limit: int) -> pd.DataFrame:
    """Return the cases with low <= confidence < high, the most confident first.

    run_id: of the run. low, high: `high` above 1 includes 1. limit: number of cases at most.
    """
    return store.cases_near(run_id, low, high, limit)


def certificate(
    calibration: Run, choices: Choices, segment: str | None
) -> Certificate | NotCertified:
    """Return today's certificate for the chosen promise on a calibration run, or the obstacle.

    Raises SettingsError too.
    """
    return cached_from_predictions(
        evidence.certificate_result,
        evidence.EVIDENCE_COLUMNS["certificate"],
        (calibration.run_id,),
        # 1 - 0.95 is 0.050000000000000044: rounded, or the printed confidence would not be the
        # tested one
        (choices.measure, choices.target, round(1 - choices.sure, 6)),
        (calibration.model_hash, calibration.dataset),
        # part of the key, so that a certificate is made anew each day and its expiry moves on
        datetime.now(UTC).date(),
        segment,
        choices.unseen,
    )


# --- values and models

_valuations: SharedCache[money.ScenarioValuation] = SharedCache(32)
# the demo's two models take 140 MB, on top of torch's 350 MB
_loaded: SharedCache[ask.Inspectors] = SharedCache(2)


def cached_valuation(scenario: MoneyScenario) -> money.ScenarioValuation:
    """Return a scenario's valuation."""
    return _valuations.get(scenario.to_json(), partial(money.value_scenario, scenario))


def cached_pair(teacher: str, student: str, samples: int) -> ask.Pair:
    """Return the model cards that a teacher and its student have on disk now.

    samples: N of the teacher. Raises ModelError.
    """
    # Not cached: a model can be replaced on disk, and its hash is the key of the loaded pair below.
    return ask.model_pair(settings(), teacher, student, samples)


def inspectors(models: ask.Pair) -> ask.Inspectors:
    """Return a teacher and its student; the first question loads them into memory."""
    current = settings()
    key = (current.models, current.device, models.hashes)
    return _loaded.get(key, partial(ask.Inspectors, current, models))


@cache
def spare_collector(page: str) -> None:
    """Exclude the loaded objects of a page from garbage collection; call it after the page's run.

    Only the first call for a page has an effect. Scanning the libraries' own objects, which stay
    anyway, takes 100 ms of processor time at each full collection.
    """
    gc.collect()
    # moves all live objects to a generation that no collection scans
    gc.freeze()
