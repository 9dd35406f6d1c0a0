"""When two labels are the same: by their normal form, since "1.0", " Pump" and "ＰＵＭＰ" are how
files write "1" and "pump".

Normal form: NFKC (full width is half width), blanks as one space and none around, small letters,
and no ".0" after a whole number. A label is shown as its file writes it; the form is for comparing
only.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

_WHOLE = re.compile(r"([+-]?\d+)\.0+")


def normal_label(label: str) -> str:
    """Return the form by which labels are compared.

    >>> normal_label(" Ｐｕｍｐ  House "), normal_label("1.0"), normal_label("1.5")
    ('pump house', '1', '1.5')
    """
    form = " ".join(unicodedata.normalize("NFKC", label).split()).casefold()
    match = _WHOLE.fullmatch(form)
    return match[1] if match else form


def unify_labels(labels: Iterable[str | None]) -> dict[str, str]:
    """Return {label: the spelling that stands for it}, for labels that are not themselves it: the
    most frequent spelling of a normal form, the earliest of equally frequent ones.
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


def match_labels(labels: Iterable[str], known: Sequence[str]) -> Mapping[str, str]:
    """Return {label: the one of `known` with its normal form}. Exact spellings match themselves; a
    form that several of `known` share matches none of them but exactly.
    """
    forms = Counter(normal_label(label) for label in known)
    by_form = {normal_label(label): label for label in known if forms[normal_label(label)] == 1}
    exact = set(known)
    matched = {}
    for label in set(labels):
        target = label if label in exact else by_form.get(normal_label(label))
        if target is not None:
            matched[label] = target
    return matched
