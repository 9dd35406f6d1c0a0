"""Other ways to a threshold on the page 'Decide': limits, and the cases that change side.

Each function gets its data as arguments and draws one panel. All figures come from core.decision.
"""

from functools import partial
from typing import cast

import pandas as pd
import streamlit as st

from core.counts.histogram import Histogram
from core.counts.tally import risk_limit
from core.decision.thresholds import changes
from core.decision.thresholds.changes import CasesBetween, cases_between_thresholds
from core.decision.thresholds.consequence import PolicyConsequence
from core.decision.thresholds.policy import Policy
from core.decision.thresholds.solver import InfeasibleLimits, SolvedPlan, ThresholdSolver
from dashboard.components import controls, panels
from dashboard.components.active_policy import Ghost
from dashboard.decide import controls as decide_controls
from dashboard.decide import points
from dashboard.decide.words import limit_answer, limit_point, review_worth
from dashboard.i18n import Words
from dashboard.session import cache, state
from dashboard.session.address import ALL, COMPARE_ACTIVE, COMPARE_PREVIOUS, Choices
from dashboard.session.context import RunContext

TABLE_CASES = 100  # cases in the table
# The store filters by confidence only: the segment's cases are searched among the most confident.
_FETCHED = 2000


def draw_limits(words: Words, choices: Choices, handles: ThresholdSolver) -> None:
    """Draw the limits: their threshold, the binding one, and the worth of one more review a day."""
    with panels.panel("limits", words):
        controls.limit_controls(words)
        _limits_answer(words, choices, handles)


def _limits_answer(words: Words, choices: Choices, handles: ThresholdSolver) -> None:
    limit = risk_limit(choices.limited, choices.most)
    if limit is None and choices.capacity is None:
        st.caption(words("limits.none"))
        return
    solution = _found(handles, limit, choices.capacity)
    answer = limit_answer(words, solution, choices.limited)
    if limit is not None and choices.capacity is not None:
        price = handles.worth_of_reviews(limit, choices.capacity)
        answer = words.sentence_space.join(
            filter(None, (answer, review_worth(words, price, choices.currency)))
        )
    (st.warning if isinstance(solution, InfeasibleLimits) else st.markdown)(answer)
    t = limit_point(solution).policy.threshold
    label = words("limits.use", t=words.number(cast(float, t), 3))
    st.button(
        label, key="use_limits", disabled=t == choices.t, on_click=state.set_value, args=("t", t)
    )


def _found(
    handles: ThresholdSolver, limit, capacity: float | None
) -> PolicyConsequence | SolvedPlan | InfeasibleLimits:
    """Return the threshold at one limit, or the cheapest one within both limits."""
    if capacity is None:
        return handles.at_risk(limit)
    if limit is None:
        return handles.at_capacity(capacity)
    return handles.solve(limit, capacity)


def compared(context: RunContext, thresholds: dict[str, float], ghost: Ghost | None) -> None:
    """Draw the cases that change side between the threshold in use and another.

    thresholds: preset -> threshold. ghost: the active policy, None if there is none.
    """
    with panels.panel("sides", context.words):
        decide_controls.compare(context.words)
        _compared(context, thresholds, ghost)


def _compared(context: RunContext, thresholds: dict[str, float], ghost: Ghost | None) -> None:
    words, choices = context.words, context.choices
    if choices.compare == COMPARE_ACTIVE:
        if ghost is None:
            st.info(words("ghost.none"))
        else:
            _against_policy(context, ghost)
        return
    compared_threshold = (
        state.threshold_before()
        if choices.compare == COMPARE_PREVIOUS
        else thresholds.get(choices.compare)
    )
    if compared_threshold is None:
        st.info(words("sides.first" if choices.compare == COMPARE_PREVIOUS else "sides.missing"))
        return
    sides(words, choices, context.run_id, cache.histogram(context.run_id), compared_threshold)


def sides(words: Words, choices: Choices, run_id: str, histogram: Histogram, moved: float) -> None:
    """Draw the cases between two thresholds.

    words: the catalogue. choices: threshold in use and segment. run_id, histogram: of the run.
    moved: the second threshold.
    """
    part = histogram if choices.segment == ALL else histogram.select(segments=(choices.segment,))
    between = cases_between_thresholds(part, choices.t, moved)
    ends = {"low": words.number(between.low, 3), "high": words.number(between.high, 3)}
    hidden = 0 if choices.unseen else between.by_outcome["unseen"]
    if between.cases == hidden:
        st.info(words("sides.same", **ends))
        return
    listed_cases = min(TABLE_CASES, between.cases - hidden)
    st.caption(
        words.markdown("sides.note", **ends, **_counts(words, between, hidden, listed_cases))
    )
    panels.lazy_expander(
        "sides", words("sides.cases"), partial(_cases, words, choices, run_id, between)
    )


def _cases(words: Words, choices: Choices, run_id: str, between: CasesBetween) -> None:
    """Draw the cases themselves, read from the store; slow, so only in an open expander."""
    rows = _listed(choices, cache.cases_between(run_id, between.low, between.high, _FETCHED))
    _table(words, rows)


def _against_policy(context: RunContext, ghost: Ghost) -> None:
    """Draw the cases that the active policy decides differently from the threshold in use.

    The policy applies with all its thresholds.
    """
    words, choices, policy = context.words, context.choices, ghost.consequence.policy
    policy_in_use = Policy(choices.t)
    changed = changes.changes_by_rows(points.counted_rows(context), policy, policy_in_use)
    to_people, accepted = (
        sum(side.values()) for side in (changed.to_review, changed.to_acceptance)
    )
    if not to_people + accepted:
        st.info(words("sides.same_policy"))
        return
    own_thresholds = (
        policy.threshold,
        *policy.by_class.values(),
        *policy.by_segment.values(),
        *policy.by_cell.values(),
        choices.t,
    )
    # REVIEW_ALL accepts nothing, like a threshold above every confidence. An epistemic limit
    # refuses cases of any confidence, so the range then has no upper end.
    ends = [1.1 if isinstance(t, str) else t for t in own_thresholds]
    high = 1.1 if policy.epistemic_limit is not None else max(ends)
    rows = _listed(
        choices,
        cache.cases_between(context.run_id, min(ends), high, _FETCHED),
        changed=(policy, policy_in_use),
    )
    wrong = {
        name: side["wrong"] + side["unseen"]
        for name, side in (("a", changed.to_review), ("b", changed.to_acceptance))
    }
    values = {
        "people": to_people,
        "caught": wrong["a"],
        "accepted": accepted,
        "missed": wrong["b"],
        "listed": len(rows),
    }
    st.caption(
        words.markdown(
            "sides.policy", **{name: words.number(count, 0) for name, count in values.items()}
        )
    )
    panels.lazy_expander("sides", words("sides.cases"), partial(_table, words, rows))


def _table(words: Words, rows: pd.DataFrame) -> None:
    columns = {
        words("column.text"): st.column_config.TextColumn(width="medium"),
        words("column.confidence"): st.column_config.NumberColumn(format="%.3f"),
    }
    panels.grid("rows_sides", _named(words, rows), columns)


def _listed(
    choices: Choices, rows: pd.DataFrame, changed: tuple[Policy, Policy] | None = None
) -> pd.DataFrame:
    """Return the cases that count, of the chosen segment, at most TABLE_CASES.

    changed: two policies; only cases that they decide differently are listed.
    """
    counted = rows["outcome"].ne("unseen") | choices.unseen
    if choices.segment != ALL:
        counted &= rows["segment"].eq(choices.segment)
    if changed is not None:
        columns = [rows[name] for name in ("segment", "predicted", "confidence", "epistemic")]
        before, after = (policy.accepts(*columns) for policy in changed)
        counted &= before != after
    return rows[counted].head(TABLE_CASES)


def _counts(words: Words, between: CasesBetween, hidden: int, rows: int) -> dict[str, str]:
    outcome = between.by_outcome
    counts = {
        "n": between.cases - hidden,
        "right": outcome["right"],
        "wrong": outcome["wrong"] + outcome["unseen"] - hidden,
        "unlabelled": outcome["unlabelled"],
        "listed": rows,
    }
    return {name: words.number(count, 0) for name, count in counts.items()}


def _named(words: Words, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the columns for a reader, with translated headings and outcomes."""
    heads = {
        "case_id": words("column.case"),
        "text": words("column.text"),
        "confidence": words("column.confidence"),
        "outcome": words("column.outcome"),
        "predicted": words("column.predicted"),
        "label": words("column.label"),
        "segment": words("column.segment"),
    }
    outcomes = rows["outcome"].astype(str).map(lambda name: words(f"outcome.{name}"))
    return rows.assign(outcome=outcomes)[list(heads)].rename(columns=heads)
