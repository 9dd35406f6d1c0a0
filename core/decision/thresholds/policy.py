"""A policy: thresholds for all, by predicted class, by segment and by both, with limits on
epistemic uncertainty and on novelty. The gate applies it; versions, authors and reasons belong to
the store. The histograms behind every curve do not hold novelty: with a novelty limit the gate
accepts at most what a consequence counts.

One threshold decides a case, the most specific that names it: that of its (segment, class), else of
its segment, else of its class, else the one for all. A segment goes before a class because a
segment (a line, a queue) has a manager who answers for it; a rule for the pair (segment, class)
makes a class stricter within a segment. One threshold, and not the strictest of several, keeps it
traceable which number accepted a case.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.counts.joint import REVIEW_ALL, limit_bin, step_of_threshold, threshold_at
from core.errors import DocumentError, SettingsError

Threshold = float | str  # a multiple of 0.001 from 0 to 1, or joint.REVIEW_ALL
_FIELDS = ("threshold", "by_class", "by_segment", "by_cell", "epistemic_limit", "novelty_limit")
_LATER = {"novelty_limit": None}  # fields that policies of earlier versions lack


@dataclass(frozen=True)
class Policy:
    """Accept a case if confidence >= its threshold, epistemic <= epistemic_limit (nats) and novelty
    <= novelty_limit (share of like cases that are less unlike); a limit of None does not count.

    >>> policy = Policy(0.9, by_segment={"A": 0.95})
    >>> Policy.from_dict(policy.to_dict()) == policy
    True
    """

    threshold: Threshold
    by_class: Mapping[str, Threshold] = field(default_factory=dict)
    by_segment: Mapping[str, Threshold] = field(default_factory=dict)
    # (segment, predicted class)
    by_cell: Mapping[tuple[str, str], Threshold] = field(default_factory=dict)
    epistemic_limit: float | None = None
    novelty_limit: float | None = None

    def __post_init__(self) -> None:
        limit_bin(self.epistemic_limit)
        if self.novelty_limit is not None and not 0 <= self.novelty_limit <= 1:
            raise SettingsError("decision.novelty_limit", limit=self.novelty_limit)
        object.__setattr__(self, "threshold", threshold_at(step_of_threshold(self.threshold)))
        # 0.1 + 0.2 becomes 0.3, so that equal policies compare as equal.
        for name in ("by_class", "by_segment", "by_cell"):
            checked = {
                key: threshold_at(step_of_threshold(value))
                for key, value in getattr(self, name).items()
            }
            object.__setattr__(self, name, checked)

    def steps(self, segments: tuple[str, ...], classes: tuple[str, ...]) -> np.ndarray:
        """Return the threshold step of each cell, [S, K]."""
        return np.array(
            [[step_of_threshold(self.threshold_of(s, k)) for k in classes] for s in segments]
        ).reshape(len(segments), len(classes))  # numpy gives an empty list the shape [0]

    def threshold_of(self, segment: str, predicted: str) -> Threshold:
        """Return the threshold that decides a case of this segment and predicted class."""
        by_class = self.by_class.get(predicted, self.threshold)
        return self.by_cell.get((segment, predicted), self.by_segment.get(segment, by_class))

    def accepts(
        self,
        segment: Iterable[str],
        predicted: Iterable[str],
        confidence: ArrayLike,
        epistemic: ArrayLike,
        novelty: ArrayLike | None = None,
    ) -> NDArray[np.bool_]:
        """Return whether the policy accepts each of n cases, [n]. A case with an impossible or
        non-finite value goes to review; so does one of unknown novelty under a novelty limit.

        segment, predicted: names, [n].
        confidence: in [0, 1], [n].
        epistemic: nats, [n].
        novelty: in [0, 1] or NaN, [n]; None where it is unknown for all.
        """
        confidence, epistemic = (np.asarray(x, dtype=np.float64) for x in (confidence, epistemic))
        pairs = list(zip(segment, predicted, strict=True))
        # Cases are many and pairs few, so each pair looks up its rule once.
        of_pair = {pair: self.threshold_of(*pair) for pair in set(pairs)}
        # REVIEW_ALL compares as infinity: no confidence reaches it.
        least = np.array(
            [math.inf if isinstance(of_pair[p], str) else of_pair[p] for p in pairs],
            dtype=np.float64,
        )
        most = math.inf if self.epistemic_limit is None else self.epistemic_limit
        possible = (confidence <= 1) & (epistemic >= 0) & (epistemic < math.inf)  # False for NaN
        accepted: NDArray[np.bool_] = possible & (confidence >= least) & (epistemic <= most)
        return accepted & self.familiar_cases(novelty, len(confidence))

    def familiar_cases(self, novelty: ArrayLike | None, n: int) -> NDArray[np.bool_]:
        """Return whether each of n cases is within the novelty limit, [n]; NaN is not.

        novelty: [n], or None where it is unknown for all.
        """
        if self.novelty_limit is None:
            return np.ones(n, dtype=bool)
        values = np.full(n, np.nan) if novelty is None else np.asarray(novelty, dtype=np.float64)
        within: NDArray[np.bool_] = values <= self.novelty_limit
        return within

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; `from_dict` is the inverse."""
        # A JSON key is a string, so the (segment, class) keys become rows.
        cells = [{"segment": s, "class": k, "threshold": t} for (s, k), t in self.by_cell.items()]
        return {**asdict(self), "by_cell": cells}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Policy":
        """Return the policy of a `to_dict`.

        Raises DocumentError for a missing or unknown name or another type, SettingsError for a
        threshold that is not allowed.
        """
        if not isinstance(values, Mapping):
            raise DocumentError("decision.policy_not_mapping", value=repr(values))
        values = _LATER | dict(values)
        if set(values) != set(_FIELDS):
            raise DocumentError(
                "decision.policy_fields", allowed=_FIELDS, fields=tuple(map(str, values))
            )
        for name in ("by_class", "by_segment"):
            if not isinstance(values[name], Mapping):
                raise DocumentError(
                    "decision.policy_field_not_mapping", name=name, value=repr(values[name])
                )
        try:
            cells = {(row["segment"], row["class"]): row["threshold"] for row in values["by_cell"]}
        except (TypeError, KeyError) as e:
            raise DocumentError("decision.policy_cells", value=repr(values["by_cell"])) from e
        thresholds = (
            values["threshold"],
            *values["by_class"].values(),
            *values["by_segment"].values(),
            *cells.values(),
        )
        limits = (values["epistemic_limit"], values["novelty_limit"])
        for value in (*thresholds, *(limit for limit in limits if limit is not None)):
            # bool is a subclass of int: true would pass as the threshold 1.
            if isinstance(value, bool) or not isinstance(value, int | float | str):
                raise DocumentError(
                    "decision.policy_value", value=repr(value), review_all=REVIEW_ALL
                )
        return cls(**{**values, "by_cell": cells})
