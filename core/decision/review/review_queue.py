"""The queue of one run for reviewers: cases that a policy sends to people, with blind ones mixed in.

Frames of core.store.audits in, an order out. Knows no claim: core.store.claims gives a case to one
reviewer at a time.
"""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.decision.review.queue import RankedQueue, mix_blind_cases, rank_queue

SECOND_SHARE = 0.1  # of the reviewed cases: two people judge them, blind
_ALL_REVIEWERS = 1_000_000  # a gold case is judged by every reviewer


@dataclass(frozen=True)
class ReviewQueue:
    """The cases that wait, the next first.

    cases: rows of Audits.audited_cases with needed (reviewers), blind and saving (currency; NaN for
    blind ones), indexed by case_id. ranked: the cases that are not blind.
    """

    cases: pd.DataFrame
    ranked: RankedQueue


def review_queue(
    cases: pd.DataFrame,
    escape: float,
    review: float,
    minutes: float,
    capacity_minutes: float,
    gold: Collection[str] = (),
) -> ReviewQueue:
    """Return the cases that wait for a reviewer, in order.

    cases: a frame of Audits.audited_cases. escape, review: cost of one, in one currency. minutes:
    of one review. capacity_minutes: of all reviewers today. gold: ids of gold cases. The chance of
    an error is 1 - confidence, 1 where the model gave no answer. Audits come in the order of their
    random numbers, so that the answered ones are a random sample at any time.
    """
    audit = (cases["u"].notna() & (cases["decision"] == "accepted")).to_numpy()
    second = np.array([_second_number(case) < SECOND_SHARE for case in cases["case_id"]], bool)
    golden = cases["case_id"].isin(list(gold)).to_numpy()
    people = (cases["decision"] == "review").to_numpy()
    disputed = (cases["verdict"] == "unsure").to_numpy() & (cases["reviewers"].fillna(0) >= 2)
    needed = np.select([golden, disputed, second & people], [_ALL_REVIEWERS, 3, 2], 1)
    table = cases.assign(needed=needed, blind=audit | golden | (second & people))
    waits = (audit | people | golden) & (cases["reviewers"].fillna(0).to_numpy() < needed)
    table = table[waits].set_index("case_id", drop=False)
    plain, blind = table[~table["blind"]], table[table["blind"]].sort_values("u")
    # a case that the model gave no answer for is taken as wrong
    p_wrong = (1 - plain["confidence"]).fillna(1.0)
    ranked = rank_queue(p_wrong, escape, review, minutes, capacity_minutes)
    order = [str(case_id) for case_id in plain["case_id"].to_numpy()[ranked.order]]
    mixed = mix_blind_cases(order, blind["case_id"].tolist(), ranked.today)
    saving = pd.Series(ranked.saving, plain.index, dtype=float)
    return ReviewQueue(table.assign(saving=saving.reindex(table.index)).loc[mixed], ranked)


def _second_number(case_id: str) -> float:
    return int.from_bytes(hashlib.sha256(f"second|{case_id}".encode()).digest()[:6]) / 2**48
