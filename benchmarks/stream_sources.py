"""The real dated streams of benchmarks.stream: the demo's work orders under a small model.

The model is TF-IDF with logistic regression, not the product's student: a stream that begins before
2007 has too few orders before it to train one, and the statistics under test see confidences only.
S0 is stable: trained to March 2007, reference 2008 to March 2009, stream from April 2009. S1 holds a
real shift: trained before July 2004, reference the rest of 2004, stream from January 2005, when
asset B ended and orders were booked to other locations.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline, make_union

from core.cases.fetch import fetch_workorders
from core.cases.workorders import normal_location, text_key

CLASSES = 12
S0 = ("2007-04-01", "2008-01-01", "2009-04-01")
S1 = ("2004-07-01", "2004-07-01", "2005-01-01")
LAST = "2011-11-01"


@dataclass(frozen=True, eq=False)
class Scored:
    """Cases in the order of time under one model, columns [n]; wrong: an unknown class is wrong."""

    text: np.ndarray
    occurred_at: np.ndarray
    day: np.ndarray
    predicted: np.ndarray
    confidence: np.ndarray
    wrong: np.ndarray
    unseen: np.ndarray

    def __len__(self) -> int:
        return len(self.day)

    def take(self, rows: np.ndarray, day: np.ndarray | None = None) -> "Scored":
        """Return these rows, with other days where given."""
        values = {name: getattr(self, name)[rows] for name in self.__dataclass_fields__}
        return Scored(**(values | ({} if day is None else {"day": day})))


@dataclass(frozen=True, eq=False)
class Stream:
    """A stream with its reference and its model's answer to other texts."""

    name: str
    reference: Scored
    cases: Scored
    labels: tuple[str, ...]
    score: object  # (texts, labels, times) -> Scored


def read_orders(cache: Path) -> pd.DataFrame:
    """Return the distinct texts of the orders by date: text, label, at."""
    raw = pd.read_csv(fetch_workorders(cache), dtype=str, keep_default_na=False)
    orders = pd.DataFrame(
        {
            "text": raw["OriginalShorttext"],
            "label": raw["FuncLocation"].map(normal_location),
            "at": pd.to_datetime(raw["BscStartDate"], format="%Y-%m-%d"),
        }
    )
    orders = orders[~orders["label"].isin(("", "NA")) & (orders["text"].str.strip() != "")]
    orders = orders.sort_values("at", kind="stable")
    # A text stays with its first order: a copy would be judged by a model that has read it.
    return orders[~orders["text"].map(text_key).duplicated()].reset_index(drop=True)


def make_stream(name: str, orders: pd.DataFrame, begins: tuple[str, str, str]) -> Stream:
    """Return a stream; begins: ends of training, starts of reference and stream."""
    trained_to, reference_from, stream_from = (pd.Timestamp(day) for day in begins)
    training = orders[orders["at"] < trained_to]
    labels = tuple(training["label"].value_counts().index[:CLASSES])
    training = training[training["label"].isin(labels)]
    model = make_pipeline(
        make_union(
            TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
            TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 4), sublinear_tf=True),
        ),
        LogisticRegression(C=10.0, max_iter=500),
    ).fit(training["text"], training["label"])

    def score(texts: np.ndarray, truth: np.ndarray, occurred_at: np.ndarray) -> Scored:
        p = model.predict_proba(texts)
        best = p.argmax(1)
        answer = model.classes_[best]
        return Scored(
            text=np.asarray(texts, dtype=object),
            occurred_at=np.asarray(occurred_at, dtype="datetime64[us]"),
            day=pd.factorize(np.asarray(occurred_at, dtype="datetime64[D]"))[0],
            predicted=best,
            confidence=p.max(1),
            wrong=answer != np.asarray(truth, dtype=object),
            unseen=~np.isin(np.asarray(truth, dtype=object), labels),
        )

    def between(start: pd.Timestamp, end: pd.Timestamp) -> Scored:
        rows = orders[(orders["at"] >= start) & (orders["at"] < end)]
        return score(rows["text"].to_numpy(), rows["label"].to_numpy(), rows["at"].to_numpy())

    return Stream(
        name,
        between(reference_from, stream_from),
        between(stream_from, pd.Timestamp(LAST)),
        labels,
        score,
    )


def day_blocks(cases: Scored, n: int, random: np.random.Generator) -> Scored:
    """Return a bootstrap of whole days with at least n cases: dependence within a day stays."""
    starts = np.flatnonzero(np.append(True, np.diff(cases.day) != 0))
    sizes = np.diff(np.append(starts, len(cases)))
    picked = random.integers(0, len(starts), 2 + int(1.3 * n / sizes.mean()))
    stop = int(np.searchsorted(np.cumsum(sizes[picked]), n)) + 1
    picked = picked[:stop]
    rows = np.concatenate([np.arange(starts[i], starts[i] + sizes[i]) for i in picked])
    return cases.take(rows, np.repeat(np.arange(len(picked)), sizes[picked]))
