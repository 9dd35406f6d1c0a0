"""The splits of the demo's mails: a draw of earlier mails trains, later ones calibrate and judge.

The training mails are drawn, since all of them would take longer than the demo may. The sizes and
dates come from counts alone: nearly all mails are of July to October 2002, and whole half-months
leave thousands of mails to judge. The mails are SpamAssassin's own selection: its share of spam is
no desk's share.
"""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pandas as pd

from core.cases.mails import Mail, draw_mails
from core.cases.read import CASE_COLUMNS
from core.cases.workorders import Splits, text_key

MAILS_LINE = "mails"  # name of the demo's line
TEXT_WORDS = 24  # of a mail that a text holds: more gain little, and training takes longer
CHARACTERS = 240  # of those words: an encoded attachment is one word of thousands
TRAIN = 1500  # mails drawn
SPLIT_SEED = 0  # of the draw
MAIL_SPLIT_STARTS = {
    "calibration": datetime(2002, 9, 1, tzinfo=UTC),
    "stream": datetime(2002, 9, 16, tzinfo=UTC),
}
MAIL_SPLIT_REASONS = {
    "splits": "by the last server's time, in whole half-months, by counts alone",
    "fit": "a draw: all earlier mails would take longer than the demo may",
    "copies": "a text (case and spaces aside) stays in the split of its first mail",
}


def split_mails(mails: list[Mail]) -> Splits:
    """Return the mails, in the order of time, as splits fit, calibration and stream."""
    mails = [replace(mail, text=mail.text[:CHARACTERS]) for mail in mails]
    first = {text_key(mail.text): mail for mail in reversed(mails)}
    mails = [mail for mail in mails if first[text_key(mail.text)] is mail]
    early, late = MAIL_SPLIT_STARTS["calibration"], MAIL_SPLIT_STARTS["stream"]
    groups = {
        "fit": [mail for mail in mails if mail.arrived < early],
        "calibration": [mail for mail in mails if early <= mail.arrived < late],
        "stream": [mail for mail in mails if mail.arrived >= late],
    }
    available = len(groups["fit"])
    groups["fit"] = draw_mails(groups["fit"], TRAIN, np.random.default_rng(SPLIT_SEED))
    counts = pd.Series([mail.label for mail in groups["fit"]]).value_counts()
    classes = tuple(str(label) for label in counts.index)
    frames = {name: _frame(name, group, classes) for name, group in groups.items()}
    record = {
        "begins": {name: moment.date().isoformat() for name, moment in MAIL_SPLIT_STARTS.items()},
        "earlier_mails": available,
        "cases": {name: len(frame) for name, frame in frames.items()},
        "by_class": {
            name: frame["label"].value_counts().sort_index().to_dict()
            for name, frame in frames.items()
        },
        "words": TEXT_WORDS,
        "seed": SPLIT_SEED,
        "why": MAIL_SPLIT_REASONS,
    }
    return Splits(classes, frames, record)


def _frame(split: str, mails: list[Mail], classes: tuple[str, ...]) -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "row": np.arange(2, len(mails) + 2, dtype=np.int64),  # line 1 is the header
            "case_id": [f"mail-{split}-{i:04d}" for i in range(1, len(mails) + 1)],
            "text": [mail.text for mail in mails],
            "segment": [mail.segment for mail in mails],
            "label": [mail.label for mail in mails],
            # A file of cases holds times without a zone; these are UTC.
            "occurred_at": [
                mail.arrived.astimezone(UTC).replace(tzinfo=None, microsecond=0) for mail in mails
            ],
            "value": np.nan,
        }
    )
    return frame[list(CASE_COLUMNS)].assign(label_seen=frame["label"].isin(classes))
