"""Cases that a model gave no answer for: people judge them, and no count of predictions has them.

Knows the table unscored_cases. A case of a run is in it or has a prediction, never both.
"""

from collections.abc import Collection

import pandas as pd

from core.errors import StoreError
from core.store import intake
from core.store.file import only_row
from core.store.store import Store

# Every case that people can judge, in place of `predictions`. One without an answer has no number,
# and an empty label: NULL would not sort among labels.
ALL_CASES = """(
    SELECT run_id, case_id, "row", segment, text, label, predicted, outcome, confidence, total,
           aleatoric, epistemic, occurred_at, value, novelty FROM predictions
    UNION ALL BY NAME
    SELECT run_id, case_id, segment, text, '' AS predicted, occurred_at FROM unscored_cases)"""


def add_unscored_cases(store: Store, run_id: str, cases: pd.DataFrame) -> int:
    """Add cases that have no prediction; return how many are new.

    cases: columns case_id, segment, text, fault, occurred_at (UTC, without time zone). Raises
    NotFoundError for an unknown run, StoreError for a case with a prediction.
    """
    store.principal.require("run.record")
    columns = [cases[name].tolist() for name in ("case_id", "segment", "text", "fault")]
    moments = [moment.to_pydatetime() for moment in cases["occurred_at"]]
    with store.atomic() as connection:
        store.run(run_id)
        scored = intake.known_cases(connection, run_id, columns[0])
        if scored:
            raise StoreError("store.case_has_prediction", case=min(scored), run=run_id)
        rows = connection.execute(
            "INSERT OR IGNORE INTO unscored_cases SELECT ?, unnest(?), unnest(?), unnest(?),"
            " unnest(?), unnest(?) RETURNING case_id",
            [run_id, *columns, moments],
        ).fetchall()
    return len(rows)


def judged_cases(
    store: Store, run_id: str, case_ids: Collection[str] | None = None
) -> pd.DataFrame:
    """Return the cases of the run that people can judge, in the order of its file.

    case_ids: which of them, as far as the run has them; None is all. Columns: case_id, text,
    segment, predicted ("" where the model gave no answer), confidence (NaN there). Raises
    NotFoundError for an unknown run.
    """
    only_these = "" if case_ids is None else " AND case_id IN (SELECT unnest(?))"
    with store.reading() as connection:
        store.run(run_id)
        return connection.execute(
            f"SELECT case_id, text, segment, predicted, confidence FROM {ALL_CASES}"  # noqa: S608
            f' WHERE run_id = ?{only_these} ORDER BY "row", case_id',
            [run_id, *([] if case_ids is None else [list(case_ids)])],
        ).df()


def count_unscored(store: Store, run_id: str) -> int:
    """Return how many cases of the run have no answer of the model."""
    with store.reading() as connection:
        query = "SELECT count(*) FROM unscored_cases WHERE run_id = ?"
        return int(only_row(connection.execute(query, [run_id]))[0])
