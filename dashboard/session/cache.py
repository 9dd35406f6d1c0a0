"""What all sessions share: the store, what was read from it once a data version, and models. The
only user of st.cache_*.

Everything here is shared by all sessions: never change what a function returns. Knows no choice and
no session.
"""

import gc
import os
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

import pandas as pd
import streamlit as st

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
from core.store.store import Store
from core.types import Run, RunRecord
from dashboard.session.address import ALL, Choices

LOCK_SECONDS = 30.0  # how long a page waits for its turn at the store before it says so

# --- the workspace and its store
# ---------------------------------------------------------------------------------------------


def settings() -> Settings:
    """Return the settings of the workspace."""
    return Settings()


def store() -> Store:
    """Return the store's handle, for what a page writes."""
    return _store(_folder())


def version() -> tuple:
    """Return the version of what the store holds; it changes when anything is committed."""
    return store().version()


def versions() -> dict[str, str]:
    """Return the versions of the store's schema and of the libraries. Raises StoreError."""
    return workspace.versions(store())


def checked(upload: Upload, columns: ColumnNames | None, options: ReadingOptions) -> Checked:
    """Return what a kept file holds, read once in a process of its own. Raises CasesError."""
    return _checked(Settings().home, upload, columns, options)


# --- read once a data version: each raises StoreError
# ------------------------------------------------------------------------


def cached_query(make: Callable, *args: object) -> object:
    """Return make(store, *args) of a module's function or a store's method; for what is small."""
    folder = _folder()
    return _asked(
        folder, f"{make.__module__}.{make.__qualname__}", args, _store(folder).version(), make
    )


def cached_from_predictions(
    make: Callable, columns: tuple[str, ...], run_ids: tuple[str, ...], *args: object
) -> object:
    """Return make(*tables, *args), a table of these columns of predictions for each run.

    `make` is a pure function of a module; args can be hashed. Raises also whatever `make` raises.
    """
    folder = _folder()
    name = f"{make.__module__}.{make.__qualname__}"
    return _derived(folder, name, columns, run_ids, args, _store(folder).version(), make)


def runs() -> list[RunRecord]:
    """Return the scoring runs, newest first."""
    return cached_query(Store.runs, "score")


def all_runs() -> list[RunRecord]:
    """Return the runs of every kind, newest first."""
    return cached_query(Store.runs)


def active_policy() -> PolicyVersion | None:
    """Return the policy that is active, None where none is."""
    return cached_query(_active_policy)


def policies() -> tuple[list[PolicyVersion], list[PolicyEvent]]:
    """Return all versions of all policies, newest first, and all their events, oldest first."""
    return cached_query(_policies)


def histogram(run_id: str) -> Histogram:
    """Return a run's histogram."""
    return cached_query(Store.histogram, run_id)


def cumulative(run_id: str, segment: str = ALL) -> AcceptanceCurve:
    """Return the cumulative counts of a run, of one segment or all."""
    return _cumulative(_folder(), run_id, segment, version())


def joint_rows(run_id: str) -> pd.DataFrame:
    """Return a run's counted rows (Store.joint_counts)."""
    return _joint_rows(_folder(), run_id, version())


def joint(run_id: str, segment: str, unseen: bool) -> JointCumulative:
    """Return the joint counts of a run over all classes, of one segment or all."""
    return _joint(_folder(), run_id, segment, unseen, version())


def cells(run_id: str, unseen: bool) -> JointCumulative:
    """Return the joint counts of a run by segment and predicted class."""
    return _cells(_folder(), run_id, unseen, version())


def cases_between(run_id: str, low: float, high: float, limit: int) -> pd.DataFrame:
    """Return the cases with low <= confidence < high, the most confident first."""
    return _between(_folder(), run_id, low, high, limit, version())


def certificate(
    calibration: Run, chosen: Choices, segment: str | None
) -> Certificate | NotCertified:
    """Return what the promise of the choices comes to on a calibration run, today. Raises
    SettingsError too.
    """
    promise = (chosen.measure, chosen.target, round(1 - chosen.sure, 6))
    origin, today = (calibration.model_hash, calibration.dataset), datetime.now(UTC).date()
    columns = evidence.COLUMNS["certificate"]
    return cached_from_predictions(
        evidence.certificate,
        columns,
        (calibration.run_id,),
        promise,
        origin,
        today,
        segment,
        chosen.unseen,
    )


# --- computed once
# -----------------------------------------------------------------------------------------------------------


def cached_valuation(scenario: MoneyScenario) -> money.Valuation:
    """Return a scenario's valuation."""
    return _valued(scenario.to_json())


def pair(teacher: str, student: str, samples: int) -> ask.Pair:
    """Return the cards of two models as they lie in the workspace now, N of the teacher. Raises
    ModelError.
    """
    return ask.pair(Settings(), teacher, student, samples)


def inspectors(models: ask.Pair) -> ask.Inspectors:
    """Return a teacher and its student; they come into memory at the first question."""
    settings = Settings()
    return _inspectors(settings.models, settings.device, models.hashes, settings, models)


@st.cache_resource(show_spinner=False)
def spare_collector(page: str) -> None:
    """Leave what a page has loaded out of garbage collection; call it after its run, of which the
    first counts.

    Streamlit collects all generations after each run, and the watch runs every two seconds in every
    session: looking through the libraries' own objects, which stay anyway, took 100 ms of processor
    time each time.
    """
    gc.collect()
    gc.freeze()


# --- the caches
# --------------------------------------------------------------------------------------------------------------


def _folder() -> Path:
    """The store's folder. Reading all settings again takes a third of a millisecond, and a run asks
    some twenty times.
    """
    return _store_of(
        tuple(item for item in os.environ.items() if item[0].upper().startswith("KAKUSHIN_"))
    )


@lru_cache(maxsize=8)
def _store_of(environment: tuple) -> Path:
    return Settings().store


def _remembered(most: int) -> Callable[[Callable], Callable]:
    """st.cache_resource, which makes a thing once for all sessions, behind an lru_cache, which
    finds it again without hashing what it was asked with: a run asks some sixty times, and that
    took a tenth of it.
    """
    return lambda make: lru_cache(maxsize=most)(
        st.cache_resource(show_spinner=False, max_entries=most)(make)
    )


@_remembered(8)
def _store(folder: Path) -> Store:
    return Store(folder, timeout_s=LOCK_SECONDS)


@st.cache_resource(show_spinner=False, max_entries=8)
def _checked(
    home: Path, upload: Upload, columns: ColumnNames | None, options: ReadingOptions
) -> Checked:
    return uploads.check_upload(Settings(home=home), upload, columns, options)


@_remembered(256)
def _asked(folder: Path, name: str, args: tuple, version: tuple, _make: Callable) -> object:
    return _make(_store(folder), *args)


@st.cache_resource(show_spinner=False, max_entries=64)
def _derived(
    folder: Path,
    name: str,
    columns: tuple[str, ...],
    run_ids: tuple[str, ...],
    args: tuple,
    version: tuple,
    _make: Callable,
) -> object:
    return _make(*(_store(folder).predictions(run_id, list(columns)) for run_id in run_ids), *args)


def _active_policy(store: Store) -> PolicyVersion | None:
    return Ledger(store).active_policy()


def _policies(store: Store) -> tuple[list[PolicyVersion], list[PolicyEvent]]:
    ledger = Ledger(store)
    with store.atomic():  # both of one moment
        return ledger.policies(), ledger.policy_events()


# asked for a dozen times a run: st.cache_resource, which hashes its arguments, took 7% of one
@lru_cache(maxsize=48)
def _cumulative(folder: Path, run_id: str, segment: str, version: tuple) -> AcceptanceCurve:
    whole = histogram(run_id)
    return AcceptanceCurve(whole if segment == ALL else whole.select(segments=(segment,)))


@st.cache_resource(show_spinner=False, max_entries=4)
def _joint_rows(folder: Path, run_id: str, version: tuple) -> pd.DataFrame:
    return _store(folder).joint_counts(run_id)


@st.cache_resource(show_spinner=False, max_entries=24)
def _joint(
    folder: Path, run_id: str, segment: str, unseen: bool, version: tuple
) -> JointCumulative:
    """All classes and segments in one cell: one threshold for all needs no more, and it is some
    hundred times smaller.
    """
    rows = _joint_rows(folder, run_id, version)
    rows = rows if segment == ALL else rows[rows["segment"] == segment]
    one = [ALL] * len(rows)
    counts = JointCounts.from_rows(
        [ALL], [ALL], one, one, *(rows[name] for name in ("outcome", "step", "epistemic_bin", "n"))
    )
    return JointCumulative(counts if unseen else counts.without_unseen())


@st.cache_resource(show_spinner=False, max_entries=4)  # tens of megabytes each
def _cells(folder: Path, run_id: str, unseen: bool, version: tuple) -> JointCumulative:
    rows, names = _joint_rows(folder, run_id, version), histogram(run_id)
    keys = (
        rows[name] for name in ("segment", "predicted", "outcome", "step", "epistemic_bin", "n")
    )
    counts = JointCounts.from_rows(names.segments, names.classes, *keys)
    return JointCumulative(counts if unseen else counts.without_unseen())


@st.cache_resource(show_spinner=False, max_entries=16)
def _between(
    folder: Path, run_id: str, low: float, high: float, limit: int, version: tuple
) -> pd.DataFrame:
    return _store(folder).cases_near(run_id, low, high, limit)


@st.cache_resource(show_spinner=False, max_entries=32)
def _valued(scenario: str) -> money.Valuation:
    return money.value(MoneyScenario.from_json(scenario))


# beside torch's 350 MB, the demo's two models take 140 MB
@st.cache_resource(show_spinner=False, max_entries=2)
def _inspectors(
    folder: Path, device: str, hashes: tuple[str, str], _settings: Settings, _models: ask.Pair
) -> ask.Inspectors:
    return ask.Inspectors(_settings, _models)
