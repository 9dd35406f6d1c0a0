"""Draw audits among the accepted cases of a version of a policy, before anybody judges them.

Knows the store and the rule of drawing; the estimate is core.decision.audits.
"""

import numpy as np

from core.decision.audits.draws import audit_numbers, checked_audit_share
from core.store.audits import Audits
from core.store.entries import PolicyVersion
from core.store.secret import audit_secret
from core.store.store import Store

AUDIT_SHARE = 0.1  # of the accepted cases, unless another share is set


def draw_audits(store: Store, run_id: str, version: PolicyVersion, share: float) -> int:
    """Draw audits among the accepted cases of a version; return how many draws are new.

    share: of the accepted cases, in (0, 1]; 0 draws none. Calling it again with the same share adds
    nothing but the cases decided since; a higher share adds to the earlier draws, and a lower one
    takes none away. Raises SettingsError for another share, NotFoundError for an unknown run.
    """
    if share == 0:
        return 0
    checked_audit_share(share)
    secret, audits = audit_secret(store.folder), Audits(store)
    with store.atomic():
        accepted = audits.accepted_cases(run_id, version.name, version.version)
        u = audit_numbers(secret, run_id, accepted["case_id"].tolist())
        drawn = u < share
        return audits.add_draws(
            run_id,
            version.name,
            version.version,
            accepted["case_id"][drawn].tolist(),
            accepted["predicted"][drawn].tolist(),
            np.full(drawn.sum(), share),
            u[drawn],
        )
