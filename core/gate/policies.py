"""The policy that is in force for the gate's run, read again when the store or the day changes."""

from datetime import UTC, date, datetime

from core.pipeline.apply import BoundPolicy, active_version_for, bind_policy
from core.store.store import Store
from core.types import Run


class PolicyInForce:
    """Reads the active policy of a run's model and dataset. One thread asks.

    The store should have a short time limit: while it is locked, cases go to review.
    """

    def __init__(self, store: Store, run: Run):
        self.store, self.run = store, run
        self._read_at: tuple[tuple, date] | None = None
        self._bound: BoundPolicy | None = None

    def bound_policy(self) -> BoundPolicy | None:
        """Return the policy bound to the run today; None where none is active. Raises StoreError
        where the store cannot be read, also if it could be read before.
        """
        read_at = self.store.version(), datetime.now(UTC).date()
        if read_at != self._read_at:
            version = active_version_for(self.store, self.run)
            self._bound = (
                None if version is None else bind_policy(self.store, version, self.run, read_at[1])
            )
            self._read_at = read_at
        return self._bound
