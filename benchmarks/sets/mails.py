"""SpamAssassin's mails as a benchmark set: earlier mails train, later ones test, drawn by the seed.

Out of distribution are posts of newsgroups.
"""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from benchmarks.sets import BenchmarkSet, Labelled
from benchmarks.sets.newsgroups import fetch_newsgroups, read_posts
from core.cases.fetch import fetch_minilm
from core.cases.mails import MAIL_CLASSES, MAIL_WORDS, Mail, draw_mails, fetch_mails, read_mails

BEGINS = datetime(2002, 9, 1, tzinfo=UTC)  # of the test's mails
TRAIN, TEST, OOD = 1500, 2000, 500  # texts


def load(cache: Path, seed: int) -> BenchmarkSet:
    """Return mails drawn by `seed`, in the order of time. Raises FetchError."""
    mails = read_mails(fetch_mails(cache))
    generator = np.random.default_rng(seed)
    train = draw_mails([m for m in mails if m.arrived < BEGINS], TRAIN, generator)
    test = draw_mails([m for m in mails if m.arrived >= BEGINS], TEST, generator)
    posts = read_posts(fetch_newsgroups(cache) / "20newsgroups-test.tab", generator)
    labels = tuple(sorted(MAIL_CLASSES.values()))
    return BenchmarkSet(
        name="mails",
        labels=labels,
        base=str(fetch_minilm(cache)),
        readout="classify",
        dated=True,
        train=_labelled(train, labels),
        test=_labelled(test, labels),
        ood=[text for _, text in posts[:OOD]],
        note=f"subject and beginning of a mail, {MAIL_WORDS} words; {len(train)} training up to August "
        f"2002, {len(test)} test from September on; out of distribution: {OOD} posts of newsgroups",
    )


def _labelled(mails: list[Mail], labels: tuple[str, ...]) -> Labelled:
    positions = [labels.index(mail.label) for mail in mails]
    return Labelled([mail.text for mail in mails], np.array(positions, dtype=np.int64))
