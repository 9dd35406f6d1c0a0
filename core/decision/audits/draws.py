"""Which cases are audited: a permanent random number for each case against its probability.

u = HMAC-SHA256(secret, run | case) in [0, 1), and a case is drawn if u < pi (Poisson sampling by
permanent random numbers, Ohlsson 1995). The draw is the same after a kill, contains the earlier one
when the share rises, and cannot be guessed without the secret. Every accepted case has the same
probability: drawing likely errors more often multiplies the squared error by up to share / least
probability where the model is wrong about what is likely, and audits exist to find that out. Pure.
"""

import hashlib
import hmac
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.errors import SettingsError

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


def checked_audit_share(share: float) -> float:
    """Return the share of accepted cases to audit. Raises SettingsError unless it is in (0, 1]."""
    if not 0 < share <= 1:  # False for NaN
        raise SettingsError("decision.audit_share", value=share)
    return share
