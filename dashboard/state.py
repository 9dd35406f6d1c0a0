"""What a session has chosen, and the shared handles: the only user of st.session_state, st.query_params and st.cache_*.

The address holds every choice, so a link shows the same view. A widget's key is its name in the address. A value of the address
that is not allowed is dropped with a notice. Histograms are cached by run and data version and shared by all sessions: never
change one. What there is to choose stands in dashboard.address; what it means and how anything is drawn, neither knows.
"""

import gc
import os
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from uuid import uuid4

import pandas as pd
import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx  # the one place that tells a Back from a rerun

from core.decision.histogram import Cumulative, Histogram
from core.decision.joint import JointCounts, JointCumulative
from core.decision.scenario import Scenario
from core.pipeline import ask, uploads, workspace
from core.pipeline.uploads import Checked, ColumnNames, Upload
from core.report import money
from core.settings import Settings
from core.store import steps
from core.store.entries import Policy, PolicyEvent
from core.store.ledger import Ledger
from core.store.store import Store
from core.types import RunRecord
from dashboard.address import ALL, NAMES, Choices, default_of, read, written
from dashboard.i18n import LANGUAGES, Words

LOCK_SECONDS = 30.0  # how long a page waits for its turn at the store before it says so
WATCH_SECONDS = 2.0  # how soon a new run or part is seen; looking costs a stat or two
HANDLE = "handle"  # key of dashboard.live's component, whose state is its last move

_LAST, _NOTICES, _BEFORE, _NEXT = "_last", "_notices", "_before", "_next"  # keys in st.session_state that are no widget's


def take_in_address() -> None:
    """Set the widgets from the address on opening and on Back or Forward. Call it once, first in every run of the page.

    On any other run the widgets say what is wanted: after quick moves the browser's address comes a step behind.
    """
    state, address = st.session_state, st.query_params.to_dict()
    state.update(state.pop(_NEXT, {}))
    now = {name: state.get(name) for name in NAMES}
    moved = _LAST in state and any(now[name] != getattr(state[_LAST], name) for name in now if name in state)
    context = get_script_run_ctx()
    fresh = _NOTICES not in state or (context is not None and context.is_history_navigation)
    if moved or fresh:
        state[_NOTICES] = []
    for name in NAMES:
        if fresh or (name not in state and _LAST not in state):
            state[name] = _read(name, address)
        elif name not in state or _emptied(name):  # its widget is on another page
            state[name] = getattr(state[_LAST], name)


def words() -> Words:
    """Return the words of the chosen language."""
    return Words(st.session_state["lang"])


def choices() -> Choices:
    """Return the choices as they stand, and write them into the address. Call it once all widgets are drawn."""
    state = st.session_state
    kept = {name: getattr(state[_LAST], name) for name in NAMES if _LAST in state and _emptied(name)}
    made = Choices(**({name: state[name] for name in NAMES} | kept))
    address = written(made)
    if address != st.query_params.to_dict():
        st.query_params.from_dict(address)
    if _LAST in state and state[_LAST].t != made.t:
        state[_BEFORE] = state[_LAST].t
    state[_LAST] = made
    return made


def threshold_before() -> float | None:
    """Return the threshold before the one in use, None where the reader has moved none yet."""
    return st.session_state.get(_BEFORE)


def _emptied(name: str) -> bool:
    """Whether a choice that is never None is None: what a widget may say when the reader goes to another page in mid-run."""
    return st.session_state[name] is None and default_of(name) is not None


def settle(name: str, allowed: list, default: object) -> object:
    """Make the choice `name` one of `allowed`, before its widget is drawn, and return it.

    What is not allowed becomes `default`, with a notice; None becomes it without one.
    """
    found = st.session_state[name]
    if found not in allowed:
        if found is not None:
            st.session_state[_NOTICES].append((name, str(found)))
        st.session_state[name] = default
    return st.session_state[name]


def chosen(name: str) -> object:
    """Return one choice as it stands, while the widgets are being drawn."""
    return st.session_state[name]


def held(name: str, default: object = None) -> object:
    """Return what the session holds under a name that is no choice, such as what a page keeps between two runs of it."""
    return st.session_state.get(name, default)


def put(name: str, value: object) -> None:
    """Set a choice, or a widget before it is drawn."""
    st.session_state[name] = value


def notices() -> list[tuple[str, str]]:
    """Return (name, value found) of what could not be taken from the address or is no longer there."""
    return list(st.session_state[_NOTICES])


def follow(source: str, target: str) -> None:
    """Give the choice `target` the value of the widget `source`: a callback for a second way to make one choice.

    Where both have changed, `target` was moved, and `source` is a step behind quick moves: nobody typed it.
    """
    state = st.session_state
    if state[source] is not None and state[target] == getattr(state[_LAST], target):
        state[target] = round(state[source], 3)


def choose(name: str, value: object) -> None:
    """Make a choice: a callback of a button, or what a widget that is no choice itself shows before it is drawn."""
    st.session_state[name] = value


def kept(name: str) -> object:
    """Return what `choose` has set that is no choice of an address, None where nothing was."""
    return st.session_state.get(name)


def choose_times(source: str, target: str, factor: float) -> None:
    """Give the choice `target` `factor` times the value of the widget `source`, or None: a callback for another unit."""
    value = st.session_state[source]
    st.session_state[target] = None if value is None else round(value * factor, 3)


def choose_from(source: str, offered: dict[str, object], target: str) -> None:
    """Give the choice `target` what the widget `source` stands for: a callback. Nothing picked changes nothing."""
    if (picked := st.session_state[source]) in offered:
        st.session_state[target] = offered[picked]


def take_move() -> None:
    """Give the threshold the value of the live handle's last move: a callback. What is no threshold is not taken."""
    move = st.session_state[HANDLE].get("move") or {}
    if type(step := move.get("step")) is int and 0 <= step <= 1000:
        st.session_state["t"] = step / 1000


def moves_seen() -> int:
    """Return the number of the last move that came from the live handle, 0 before the first."""
    seen = (st.session_state.get(HANDLE, {}).get("move") or {}).get("seq")
    return seen if isinstance(seen, int) else 0


def mirror(source: str, target: str) -> None:
    """Give the widget `source`, before it is drawn, the value of the choice `target`."""
    st.session_state[source] = st.session_state[target]


def _read(name: str, address: dict[str, str]) -> object:
    """Return the choice `name` of the address, or its default, with a notice where the text is not allowed."""
    default = _preferred_language() if name == "lang" else default_of(name)
    if name not in address:
        return default
    try:
        return read(name, address[name])
    except ValueError:
        st.session_state[_NOTICES].append((name, address[name]))
        return default


def _preferred_language() -> str:
    """Return the browser's language where there is a catalogue for it, else English."""
    language = (st.context.locale or "").split("-")[0].lower()
    return language if language in LANGUAGES else "en"


def join(source: str, target: str) -> None:
    """Give the choice `target` the names picked in the widget `source`, separated by commas: a callback."""
    st.session_state[target] = ",".join(st.session_state[source])


def go(name: str, value: object) -> None:
    """Make a choice whose widget has been drawn already: the page begins again with it."""
    st.session_state[_NEXT] = {name: value}
    st.rerun()


def take(name: str) -> object:
    """Return what a callback left under `name`, once; None where it left nothing."""
    return st.session_state.pop(name, None)


def versions() -> dict[str, str]:
    """Return the versions of the store's schema and of the libraries. Raises StoreError."""
    return workspace.versions(_store(Settings().store))


def settings() -> Settings:
    """Return where the workspace is."""
    return Settings()


def checked(upload: Upload, columns: ColumnNames | None, sheet: str | None) -> Checked:
    """Return what a kept file holds, read once in a process of its own and shared: never change it. Raises CasesError."""
    return _checked(Settings().home, upload, columns, sheet)


def version() -> tuple:
    """Return the version of what the store holds; it changes when anything is committed."""
    return _store(_folder()).version()


def runs() -> list[RunRecord]:
    """Return the scoring runs, newest first. Raises StoreError."""
    folder = _folder()
    return _runs(folder, _store(folder).version())


def all_runs() -> list[RunRecord]:
    """Return the runs of every kind, newest first. Raises StoreError."""
    folder = _folder()
    return _all_runs(folder, _store(folder).version())


def store() -> Store:
    """Return the shared handle of the store, for what a page writes."""
    return _store(Settings().store)


def asked(make: Callable, *args: object) -> object:
    """Return make(store, *args), read once a data version and shared: never change it. `make` is a module's function."""
    folder = Settings().store
    return _asked(folder, f"{make.__module__}.{make.__qualname__}", args, _store(folder).version(), make)


def token(name: str) -> str:
    """Return the token of the form `name`: the same until `renew`, so that a form sent twice is known as one."""
    return st.session_state.setdefault(f"_token_{name}", uuid4().hex)


def renew(name: str) -> None:
    """Give the form `name` another token, and with it empty fields."""
    st.session_state[f"_token_{name}"] = uuid4().hex


def valued(scenario: Scenario) -> money.Valuation:
    """Return a scenario's valuation, computed once and shared: never change it."""
    return _valued(scenario.to_json())


def histogram(run_id: str) -> Histogram:
    """Return a run's histogram, shared: never change it. Raises StoreError."""
    folder = _folder()
    return _histogram(folder, run_id, _store(folder).version())


def cumulative(run_id: str, segment: str = ALL) -> Cumulative:
    """Return the cumulative counts of a run, of one segment or all, shared: never change them. Raises StoreError."""
    folder = _folder()
    return _cumulative(folder, run_id, segment, _store(folder).version())


def joint(run_id: str, segment: str, unseen: bool) -> JointCumulative:
    """Return the joint counts of a run over all classes, of one segment or all, shared: never change them."""
    folder = _folder()
    return _joint(folder, run_id, segment, unseen, _store(folder).version())


def joint_rows(run_id: str) -> pd.DataFrame:
    """Return a run's counted rows (Store.joint_counts), shared: never change them. Raises StoreError."""
    folder = Settings().store
    return _joint_rows(folder, run_id, _store(folder).version())


def active_policy() -> Policy | None:
    """Return the policy that is active in the store, None where none is. Raises StoreError."""
    folder = Settings().store
    return _active_policy(folder, _store(folder).version())


def cases_between(run_id: str, low: float, high: float, limit: int) -> pd.DataFrame:
    """Return the cases with low <= confidence < high, the most confident first, shared: never change them."""
    folder = _folder()
    return _between(folder, run_id, low, high, limit, _store(folder).version())


def query(make: Callable, *args: object) -> object:
    """Return make(store, *args), asked once a data version and shared: never change it. `make` is a function of a module."""
    folder = Settings().store
    return _query(folder, f"{make.__module__}.{make.__qualname__}", args, _store(folder).version(), make)


def pair(teacher: str, student: str, samples: int) -> ask.Pair:
    """Return the cards of two models as they lie in the workspace now, N of the teacher. Raises ModelError."""
    return ask.pair(Settings(), teacher, student, samples)


def inspectors(models: ask.Pair) -> ask.Inspectors:
    """Return a teacher and its student, shared by all sessions; they come into memory at the first question."""
    settings = Settings()
    return _inspectors(settings.models, settings.device, models.hashes, settings, models)


def cells(run_id: str, unseen: bool) -> JointCumulative:
    """Return the joint counts of a run by segment and predicted class, shared: never change them. Raises StoreError."""
    folder = Settings().store
    return _cells(folder, run_id, unseen, _store(folder).version())


def policies() -> tuple[list[Policy], list[PolicyEvent]]:
    """Return all versions of all policies, newest first, and all their events, oldest first. Raises StoreError."""
    folder = Settings().store
    return _policies(folder, _store(folder).version())


def propose(*given: object, **named: object) -> tuple[Policy, bool]:
    """Add a version of a policy, as core.store.steps.propose does with what stands behind the ledger."""
    return steps.propose(Ledger(_store(Settings().store)), *given, **named)


def take_step(*given: object) -> tuple[PolicyEvent, bool]:
    """Write down what happened to a policy, as core.store.steps.take does with what stands behind the ledger."""
    return steps.take(Ledger(_store(Settings().store)), *given)


def four_eyes() -> bool:
    """Return whether whoever proposed a policy is refused as the one who approves it."""
    return Settings().four_eyes


@st.fragment(run_every=WATCH_SECONDS)
def watch(seen: tuple) -> None:
    """Run the page again as soon as the store holds something else than `seen`."""
    if version() != seen:
        st.rerun()


@st.cache_resource(show_spinner=False)
def spare_collector(page: str) -> None:
    """Leave what a page has loaded out of garbage collection; call it after its run, of which the first counts.

    Streamlit collects all generations after each run, and the watch runs every two seconds in every session: looking through
    the libraries' own objects, which stay anyway, took 100 ms of processor time each time.
    """
    gc.collect()
    gc.freeze()


def _folder() -> Path:
    """The store's folder. Reading all settings again takes a third of a millisecond, and a run asks some twenty times."""
    return _store_of(tuple(item for item in os.environ.items() if item[0].upper().startswith("KAKUSHIN_")))


@lru_cache(maxsize=8)
def _store_of(environment: tuple) -> Path:
    return Settings().store


@st.cache_resource(show_spinner=False)
def _store(folder: Path) -> Store:
    return Store(folder, timeout_s=LOCK_SECONDS)


@st.cache_resource(show_spinner=False, max_entries=8)
def _checked(home: Path, upload: Upload, columns: ColumnNames | None, sheet: str | None) -> Checked:
    return uploads.check(Settings(home=home), upload, columns, sheet)


@st.cache_resource(show_spinner=False, max_entries=4)
def _runs(folder: Path, version: tuple) -> list[RunRecord]:
    return _store(folder).runs(kind="score")


@st.cache_resource(show_spinner=False, max_entries=4)
def _all_runs(folder: Path, version: tuple) -> list[RunRecord]:
    return _store(folder).runs()


@st.cache_resource(show_spinner=False, max_entries=24)
def _asked(folder: Path, name: str, args: tuple, version: tuple, _make: Callable) -> object:
    return _make(_store(folder), *args)


@st.cache_resource(show_spinner=False, max_entries=32)
def _valued(scenario: str) -> money.Valuation:
    return money.value(Scenario.from_json(scenario))


@st.cache_resource(show_spinner=False, max_entries=24)
def _histogram(folder: Path, run_id: str, version: tuple) -> Histogram:
    return _store(folder).histogram(run_id)


@lru_cache(maxsize=48)  # asked for a dozen times a run: st.cache_resource, which hashes its arguments, took 7% of one
def _cumulative(folder: Path, run_id: str, segment: str, version: tuple) -> Cumulative:
    whole = _histogram(folder, run_id, version)
    return Cumulative(whole if segment == ALL else whole.select(segments=(segment,)))


def derived(make: Callable, columns: tuple[str, ...], run_ids: tuple[str, ...], *args: object) -> object:
    """Return make(*tables, *args), a table of these columns of predictions for each run: read once a data version and shared.

    Never change what it returns. `make` is a pure function of a module; args can be hashed. Raises StoreError, and whatever
    `make` raises.
    """
    folder = _folder()
    name = f"{make.__module__}.{make.__qualname__}"
    return _derived(folder, name, columns, run_ids, args, _store(folder).version(), make)


@st.cache_resource(show_spinner=False, max_entries=64)
def _derived(
    folder: Path, name: str, columns: tuple[str, ...], run_ids: tuple[str, ...], args: tuple, version: tuple, _make: Callable
) -> object:
    return _make(*(_store(folder).predictions(run_id, list(columns)) for run_id in run_ids), *args)


@st.cache_resource(show_spinner=False, max_entries=24)
def _joint(folder: Path, run_id: str, segment: str, unseen: bool, version: tuple) -> JointCumulative:
    """All classes and segments in one cell: one threshold for all needs no more, and it is some hundred times smaller."""
    rows = _joint_rows(folder, run_id, version)
    rows = rows if segment == ALL else rows[rows["segment"] == segment]
    one = [ALL] * len(rows)
    counts = JointCounts.from_rows([ALL], [ALL], one, one, *(rows[name] for name in ("outcome", "step", "epistemic_bin", "n")))
    return JointCumulative(counts if unseen else counts.without_unseen())


@st.cache_resource(show_spinner=False, max_entries=4)  # tens of megabytes each
def _cells(folder: Path, run_id: str, unseen: bool, version: tuple) -> JointCumulative:
    rows, names = _store(folder).joint_counts(run_id), _histogram(folder, run_id, version)
    keys = (rows[name] for name in ("segment", "predicted", "outcome", "step", "epistemic_bin", "n"))
    counts = JointCounts.from_rows(names.segments, names.classes, *keys)
    return JointCumulative(counts if unseen else counts.without_unseen())


@st.cache_resource(show_spinner=False, max_entries=4)
def _policies(folder: Path, version: tuple) -> tuple[list[Policy], list[PolicyEvent]]:
    ledger = Ledger(_store(folder))
    with ledger.store.atomic():  # both of one moment
        return ledger.policies(), ledger.policy_events()


@st.cache_resource(show_spinner=False, max_entries=4)
def _joint_rows(folder: Path, run_id: str, version: tuple) -> pd.DataFrame:
    return _store(folder).joint_counts(run_id)


@st.cache_resource(show_spinner=False, max_entries=4)
def _active_policy(folder: Path, version: tuple) -> Policy | None:
    return Ledger(_store(folder)).active_policy()


@st.cache_resource(show_spinner=False, max_entries=16)
def _between(folder: Path, run_id: str, low: float, high: float, limit: int, version: tuple) -> pd.DataFrame:
    return _store(folder).cases_near(run_id, low, high, limit)


@st.cache_resource(show_spinner=False, max_entries=256)
def _query(folder: Path, name: str, args: tuple, version: tuple, _make: Callable) -> object:
    return _make(_store(folder), *args)


@st.cache_resource(show_spinner=False, max_entries=2)  # beside torch's 350 MB, the demo's two models take 140 MB
def _inspectors(folder: Path, device: str, hashes: tuple[str, str], _settings: Settings, _models: ask.Pair) -> ask.Inspectors:
    return ask.Inspectors(_settings, _models)
