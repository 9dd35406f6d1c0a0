"""What a stream's alarms mean together: one cause of a short list, by rules that are all shown.

| the inputs | the audits since the change | cause |
| --- | --- | --- |
| unchanged | no alarm | QUIET |
| changed | fewer than LEAST_AUDITS, or more errors than the limit | UNPROVED |
| changed | LEAST_AUDITS or more, errors within the limit | BENIGN |
| any | alarm; the added errors mostly have labels that the model does not know | NEW_LABELS |
| any | alarm; the added errors mostly have labels that the model knows | STALE |
| any | alarm; most errors have no label | UNNAMED |

"Added" is against the share of the same kind among the accepted reference cases, since a line can
have had unknown labels before. Labels decide, and no uncertainty of the model: its epistemic part
tells unknown labels from known ones hardly better than chance. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.decision.watch.alarms import HARM, Alarm
from core.decision.watch.stream import ReferenceCases, WatchedStream

QUIET, UNPROVED, BENIGN = "quiet", "unproved", "benign"
NEW_LABELS, STALE, UNNAMED = "new_labels", "stale", "unnamed"
CAUSES = (QUIET, UNPROVED, BENIGN, NEW_LABELS, STALE, UNNAMED)
LEAST_AUDITS = 30  # below this many, audits neither clear a change of the inputs nor name its cause


@dataclass(frozen=True)
class Diagnosis:
    """A cause of CAUSES, and what it rests on.

    start: position of the estimated change, None without an alarm. audits, wrong: audited cases
    from there on. unnamed: wrong ones without a label. new_share, known_share: of the audits that are
    wrong with a label that the model does not know, and with another that it knows; reference_new,
    reference_known: the same of the accepted reference cases.
    """

    cause: str
    start: int | None = None
    audits: int = 0
    wrong: int = 0
    unnamed: int = 0
    new_share: float = 0.0
    known_share: float = 0.0
    reference_new: float = 0.0
    reference_known: float = 0.0


def diagnose_alarms(
    stream: WatchedStream,
    reference: ReferenceCases,
    alarms: Sequence[Alarm],
    limit: float | None,
) -> Diagnosis:
    """Return the cause of a stream's alarms.

    reference: labelled cases from before. alarms: of watched_levels. limit: of the risk of accepted
    cases; without one no change of the inputs is BENIGN.
    """
    if not alarms:
        return Diagnosis(QUIET)
    harm = [alarm for alarm in alarms if alarm.level == HARM]
    # The first change of the gravest level: what came later may follow from it.
    start = min(alarm.start for alarm in harm or alarms)
    audited = stream.audited & (np.arange(len(stream)) >= start)
    n, wrong = int(audited.sum()), stream.wrong & audited
    errors = int(wrong.sum())
    if not harm:
        within_limit = limit is not None and n >= LEAST_AUDITS and errors <= limit * n
        return Diagnosis(BENIGN if within_limit else UNPROVED, start, n, errors)
    label_is_new = stream.unseen[wrong]
    unnamed = int(np.isnan(label_is_new).sum())
    new_share, known_share = (float((label_is_new == value).sum()) / n for value in (1.0, 0.0))
    taken = reference.accepted
    accepted, before = max(1, int(taken.sum())), taken & ~reference.right
    before_new = float((before & reference.unseen).sum()) / accepted
    before_known = float((before & ~reference.unseen).sum()) / accepted
    cause = NEW_LABELS if new_share - before_new > known_share - before_known else STALE
    if 2 * unnamed > errors:
        cause = UNNAMED
    shares = (new_share, known_share, before_new, before_known)
    return Diagnosis(cause, start, n, errors, unnamed, *shares)
