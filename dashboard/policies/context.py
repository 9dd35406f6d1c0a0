"""The data of the page 'Policies' for all of its parts: choices, cases, store content, today.

Knows how lists and the address name a version. Draws nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

import streamlit as st

from core.counts.joint import JointCumulative
from core.decision.thresholds.consequence import PolicyConsequence, policy_consequence
from core.decision.thresholds.costs import CostModel
from core.decision.thresholds.policy import Policy
from core.errors import KakushinError, SettingsError
from core.report.policy_history import ACTIVE, PolicyLife, policy_lives
from core.store import entries
from core.store.entries import PolicyEvent, checked_text
from core.types import RunRecord
from dashboard.i18n import Words
from dashboard.policies import words as policy_words
from dashboard.session import cache, state
from dashboard.session.address import Choices
from dashboard.session.context import RunContext

DRAFT = "draft"  # key of the draft, among the keys "name@3" of stored versions


@dataclass(frozen=True)
class PoliciesContext:
    """The data that every part of the page needs."""

    words: Words
    choices: Choices
    record: RunRecord
    calibration: RunRecord | None  # finished calibration run of the same model
    cumulative: JointCumulative  # of all segments
    terms: CostModel
    stored: dict[str, entries.PolicyVersion]  # "name@3" -> version, newest first
    events: list[entries.PolicyEvent]
    lives: dict[tuple[str, int], PolicyLife]
    today: date

    @property
    def active(self) -> entries.PolicyVersion | None:
        """The version in force; None without one."""
        return next(
            (policy for policy in self.stored.values() if self.life(policy).state == ACTIVE), None
        )

    @property
    def last_position(self) -> int:
        """Position of the last event that the page shows."""
        # 0 is before every event
        return self.events[-1].position if self.events else 0

    def life(self, version: entries.PolicyVersion) -> PolicyLife:
        """Return the states and steps of a version."""
        return self.lives[version.name, version.version]

    def means(self, policy: Policy) -> PolicyConsequence:
        """Return the consequence of a policy on these cases."""
        return policy_consequence(self.cumulative, policy, self.terms)


def version_key(entry: entries.PolicyVersion | entries.PolicyEvent) -> str:
    """Return the name of a version in lists and in the address."""
    return f"{entry.name}@{entry.version}"


def readable_thresholds(version: entries.PolicyVersion) -> Policy | None:
    """Return the thresholds of a version.

    None if its content is not a policy, for example if another program wrote it.
    """
    try:
        return Policy.from_dict(version.content)
    except SettingsError:
        return None


def make_context(
    words: Words, runs: list[RunRecord], record: RunRecord, choices: Choices
) -> PoliciesContext:
    """Return the page's data. Raises StoreError.

    words: the catalogue. runs: every scoring run. record: the selected one. choices: the choices of
    the address.
    """
    (stored, events), run = cache.policies(), RunContext(words, choices, runs, record)
    cumulative = cache.cells(run.run_id, choices.unseen)
    # the share that counts: without untrained labels, if the choices exclude them
    counted = float(cumulative.total.sum()) / max(1, record.cases)
    return PoliciesContext(
        words,
        choices,
        record,
        run.own_calibration,
        cumulative,
        CostModel(run.volume * counted, run.costs, run.seconds(run.kind)),
        {version_key(policy): policy for policy in stored},
        events,
        policy_lives(stored, events),
        datetime.now(UTC).date(),
    )


_BOXES = {
    "error": (st.error, "error"),
    "warning": (st.warning, "warning"),
    "success": (st.success, "check_circle"),
}


def store_reply(
    place: str,
    box: str,
    key: str,
    events: tuple[PolicyEvent, ...] = (),
    **values: str | KakushinError,
) -> None:
    """Store the reply to a click for `show_reply`.

    place: of the page. box: "error", "warning" or "success". key: of the sentence. events: what
    other people decided meanwhile. values: of the sentence.
    """
    # A callback runs before the page and can draw nothing; keys, not texts, so that a change of
    # language changes the reply.
    state.set_value(f"said_{place}", (box, key, events, values))


def show_reply(words: Words, place: str) -> None:
    """Draw the last reply at `place`, in the present language."""
    if (answer := state.held_or_none(f"said_{place}", tuple)) is None:
        return
    box, key, events, values = answer
    reply_text = (
        policy_words.overtaken_sentence(words, events)
        if events
        else words.markdown(key, **_named(words, values))
    )
    draw, icon = _BOXES[box]
    draw(reply_text, icon=f":material/{icon}:")


def typed_text(key: str) -> str:
    """Return the stripped content of a text field."""
    return (state.held_or_none(key, str) or "").strip()


def missing_text(texts: Mapping[str, str]) -> str | None:
    """Return the key of the sentence about the first text that the store refuses, else None.

    texts: key of the field's label -> typed text.
    """
    for key, text in texts.items():
        try:
            checked_text(text, key)
        except SettingsError:
            return f"{key}.missing"
    return None


def _named(words: Words, values: Mapping[str, str | KakushinError]) -> dict[str, str]:
    """Return the values in the present language: errors as sentences, a step as its word."""
    named = {}
    for name, value in values.items():
        if isinstance(value, KakushinError):
            named[name] = words.error_text(value)
        else:
            named[name] = words(value) if name == "step" else value
    return named
