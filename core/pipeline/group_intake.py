"""Parts that a cluster scored, into the store by groups: workers count rows, the store adds counts.

For runs whose rows stay in their files. The worker that writes the last file of a group of parts
counts the group; the store takes in the counts and opens no part. Knows the store and parts' files.
"""

from collections.abc import Iterable
from pathlib import Path

from core.pipeline.part_scorer import ScoredPart, ScoringPlan
from core.store.part_counts import write_counts
from core.store.parts import part_path
from core.store.samples import Samples
from core.store.store import Store

PART_GROUPS = (
    16  # of a run's parts: counts of few groups are small, and what a killed call repeats too
)


def plan_groups(parts: Iterable[int]) -> tuple[tuple[int, ...], ...]:
    """Return PART_GROUPS or fewer groups of neighbouring parts.

    >>> plan_groups(range(3))
    ((0,), (1,), (2,))
    """
    numbers = sorted(parts)
    ends = [len(numbers) * i // PART_GROUPS for i in range(PART_GROUPS + 1)]
    groups = (tuple(numbers[a:b]) for a, b in zip(ends, ends[1:], strict=False))
    return tuple(group for group in groups if group)


def count_if_complete(plan: ScoringPlan, part: int) -> bool:
    """Count the part's group if all its parts are written; return whether they are."""
    group = next(group for group in plan.groups if part in group)
    folder = plan.settings.store
    if not all(part_path(folder, plan.run_id, number).is_file() for number in group):
        return False
    write_counts(folder, plan.run_id, group)
    return True


class GroupIntake:
    """Takes groups of parts into the store, each once all its parts are scored."""

    def __init__(self, store: Store, plan: ScoringPlan):
        self.store, self.plan = store, plan
        self._groups = {part: group for group in plan.groups for part in group}
        self._scored: dict[int, ScoredPart] = {}

    def add(self, scored: ScoredPart) -> None:
        """Take in the part's group if this was its last part; a repeated part changes nothing."""
        group = self._groups[scored.part]
        self._scored.setdefault(scored.part, scored)
        if all(part in self._scored for part in group):
            self._take_in(group)

    def _take_in(self, group: tuple[int, ...]) -> None:
        # The counts exist if a worker saw all files; a file system may show it some of them late.
        path: Path = write_counts(self.plan.settings.store, self.plan.run_id, group)
        with self.store.atomic():
            self.store.ingest_counts(self.plan.run_id, path)
            for part in group:
                scored = self._scored[part]
                if scored.samples is not None and len(scored.sampled_ids):
                    about = (self.plan.run_id, part, scored.sampled_ids)
                    Samples(self.store).add(*about, scored.samples)
