"""What the page 'Policies' is about, for all of its parts: the choices, the cases, what the store
holds, and today.

Knows how a version is named in lists and in the address. Draws nothing.
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

DRAFT = "draft"  # what is being edited, beside the versions "name@3" of the store


@dataclass(frozen=True)
class PolicyScene:
    """Everything that a part of the page needs."""

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
        """The version that is in force."""
        return next(
            (policy for policy in self.stored.values() if self.life(policy).state == ACTIVE), None
        )

    @property
    def seen(self) -> int:
        """Position of the last event that the page shows."""
        return self.events[-1].position if self.events else 0

    def life(self, one: entries.PolicyVersion) -> PolicyLife:
        return self.lives[one.name, one.version]

    def means(self, policy: Policy) -> PolicyConsequence:
        """What a policy does to these cases."""
        return policy_consequence(self.cumulative, policy, self.terms)


def version_key(one: entries.PolicyVersion | entries.PolicyEvent) -> str:
    """What a version is called in lists and in the address."""
    return f"{one.name}@{one.version}"


def readable_thresholds(one: entries.PolicyVersion) -> Policy | None:
    """The thresholds of a version; None where its content is none, such as one that another program
    wrote.
    """
    try:
        return Policy.from_dict(one.content)
    except SettingsError:
        return None


def policy_scene(
    words: Words, runs: list[RunRecord], record: RunRecord, chosen: Choices
) -> PolicyScene:
    """Read what the page shows. Raises StoreError."""
    (stored, events), run = cache.policies(), RunContext(words, chosen, runs, record)
    cumulative = cache.cells(run.run_id, chosen.unseen)
    counted = float(cumulative.total.sum()) / max(1, record.cases)
    return PolicyScene(
        words,
        chosen,
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
    """Answer a click at `place`: the words under `key` with `values`, then what happened in
    between, in a box.
    """
    state.set_value(f"said_{place}", (box, key, events, values))


def show_reply(words: Words, place: str) -> None:
    """Draw the last answer at `place`, in the language of now."""
    answer = state.held_value(f"said_{place}")
    if answer is None:
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
    """Return what stands in a text field."""
    return (state.held_value(key) or "").strip()


def missing_text(texts: Mapping[str, str]) -> str | None:
    """Return the key of the sentence for the first text that cannot be kept; texts: the field's
    label key -> what was typed.
    """
    for key, text in texts.items():
        try:
            checked_text(text, key)
        except SettingsError:
            return f"{key}.missing"
    return None


def _named(words: Words, values: Mapping[str, str | KakushinError]) -> dict[str, str]:
    """Values with an error, and what is a word of the catalogue, such as a step, in the language of
    now.
    """
    named = {name: words(value) if name == "step" else value for name, value in values.items()}
    return {
        name: words.error_text(reply) if isinstance(reply, KakushinError) else reply
        for name, reply in named.items()
    }
