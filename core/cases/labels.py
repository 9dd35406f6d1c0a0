"""Equality of labels by a normal form: files write "1.0", " Pump" and "ＰＵＭＰ" for "1" and "pump".

Normal form: NFKC (full width becomes half width), single spaces, none around, case folded, without
invisible characters and without ".0" after a whole number. Screens show a label as its file writes
it; the form is for comparisons only. Knows no file and no model.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from core.cases.columns import visible_name

# A column of whole numbers with gaps is written with ".0" by pandas.
_WHOLE = re.compile(r"([+-]?\d+)\.0+")


def normal_label(label: str) -> str:
    """Return the form in which labels are compared.

    >>> normal_label(" Ｐｕｍｐ  House "), normal_label("1.0"), normal_label("1.5")
    ('pump house', '1', '1.5')
    """
    form = visible_name(unicodedata.normalize("NFKC", label)).casefold()
    match = _WHOLE.fullmatch(form)
    return match[1] if match else form


def unify_labels(labels: Iterable[str | None]) -> dict[str, str]:
    """Return {label: its form's most frequent spelling}, for labels spelled otherwise.

    Of equally frequent spellings the earliest counts.
    """
    counts = Counter(label for label in labels if label is not None)
    best: dict[str, str] = {}
    for label, n in counts.items():
        form = normal_label(label)
        if form not in best or n > counts[best[form]]:
            best[form] = label
    return {
        label: best[normal_label(label)] for label in counts if best[normal_label(label)] != label
    }


def match_labels(labels: Iterable[str], trained: Sequence[str]) -> Mapping[str, str]:
    """Return {label: the one of `trained` with its normal form}.

    Exact spellings match themselves; a form that several of `trained` share needs the exact
    spelling.
    """
    forms = Counter(normal_label(label) for label in trained)
    by_form = {normal_label(label): label for label in trained if forms[normal_label(label)] == 1}
    exact = set(trained)
    matched = {}
    for label in set(labels):
        target = label if label in exact else by_form.get(normal_label(label))
        if target is not None:
            matched[label] = target
    return matched
