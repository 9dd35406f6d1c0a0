"""Which cases are audited: a permanent random number for each case against its probability.

u = HMAC-SHA256(secret, run | case) in [0, 1), and a case is drawn if u < pi (Poisson sampling by
permanent random numbers, Ohlsson 1995). The draw is the same after a kill, contains the earlier one
when the share rises, and cannot be guessed without the secret. Pure.
"""

import hashlib
import hmac
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq

from core.errors import SettingsError

FLOOR = 0.5  # least inclusion probability, as a share of the uniform one
_BITS = 53  # of a float's fraction: more would round some numbers up to 1


def audit_numbers(secret: bytes, run_id: str, case_ids: Sequence[str]) -> NDArray[np.float64]:
    """Return the permanent random number of each case, in [0, 1), [n].

    >>> audit_numbers(b"secret", "run", ["case-1", "case-2"]).round(4).tolist()
    [0.4795, 0.7218]
    """
    keyed = hmac.new(secret, f"{run_id}|".encode(), hashlib.sha256)
    numbers = np.empty(len(case_ids))
    for i, case_id in enumerate(case_ids):
        digest = keyed.copy()
        digest.update(case_id.encode())
        first = int.from_bytes(digest.digest()[:8])
        numbers[i] = (first >> (64 - _BITS)) / 2.0**_BITS
    return numbers


def inclusion_probabilities(share: float, p_wrong: ArrayLike) -> NDArray[np.float64]:
    """Return the probability of an audit of each of n cases, [n], with the mean `share`.

    share: in (0, 1]. p_wrong: the probability that each case is wrong, [n]. A probability is
    proportional to sqrt(p (1 - p)), the case's standard deviation (Neyman 1934), but at least half
    the uniform one: errors that no model expects hide where p is least. Equal p give the uniform
    draw. Raises SettingsError for another share.
    """
    checked_audit_share(share)
    p = np.asarray(p_wrong, dtype=np.float64)
    size = np.sqrt(np.clip(p * (1 - p), 0, None))
    if not len(p) or size.max() == 0:
        return np.full(len(p), float(share))
    # Far below the floor anyway; a size of almost 0 would leave the search no finite end.
    size = np.maximum(size / size.max(), 1e-6)

    def excess(scale: float) -> float:
        return float(np.clip(scale * size, FLOOR * share, 1).mean()) - share

    return np.clip(brentq(excess, 0, 1 / size.min()) * size, FLOOR * share, 1)


def checked_audit_share(share: float) -> float:
    """Return the share of accepted cases to audit. Raises SettingsError unless it is in (0, 1]."""
    if not 0 < share <= 1:  # False for NaN
        raise SettingsError("decision.audit_share", value=share)
    return share
