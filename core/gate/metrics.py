"""The gate's counters, and their text for Prometheus, which holds no text of a case."""

import threading
from collections import Counter
from collections.abc import Sequence

from core.gate.schemas import CaseAnswer

BOUNDS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)  # of the seconds' histogram
_HELP = {
    "requests_total": ("counter", "Requests by route and HTTP status"),
    "cases_total": ("counter", "Cases decided, by decision and reason"),
    "faults_total": ("counter", "Cases that a fault sent to review, by fault"),
    "batches_total": ("counter", "Batches that were scored and logged"),
    "request_seconds": ("histogram", "Seconds from a request to its decisions"),
    "waiting_requests": ("gauge", "Requests in the queue"),
    "cases_not_in_store": ("gauge", "Logged cases that are not in the store yet"),
}


class GateMetrics:
    """Counts since the gate was started. Safe to share between threads."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self._seconds_sum, self._lock = 0.0, threading.Lock()

    def count_batch(self, answers: Sequence[CaseAnswer]) -> None:
        """Count the decisions of a batch; a batch without a new case counts as none."""
        with self._lock:
            self._counts["batches_total", ""] += bool(answers)
            for answer in answers:
                labels = f'{{decision="{answer.decision}",reason="{answer.reason}"}}'
                self._counts["cases_total", labels] += 1
                if answer.fault:
                    self._counts["faults_total", f'{{fault="{answer.fault}"}}'] += 1

    def count_request(self, route: str, status: int, seconds: float | None = None) -> None:
        """Count a request; seconds only where it was decided."""
        with self._lock:
            self._counts["requests_total", f'{{route="{route}",status="{status}"}}'] += 1
            if seconds is None:
                return
            self._seconds_sum += seconds
            for bound in BOUNDS_S:
                # each bucket is written, also an empty one
                within = int(seconds <= bound)
                self._counts["request_seconds", f'_bucket{{le="{bound}"}}'] += within
            self._counts["request_seconds", '_bucket{le="+Inf"}'] += 1

    def prometheus_text(self, **gauges: float) -> str:
        """Return the counts in Prometheus' text format, version 0.0.4; gauges by their names."""
        with self._lock:
            counts: dict[tuple[str, str], float] = dict(self._counts)
            seconds_sum = self._seconds_sum
        finished = counts.get(("request_seconds", '_bucket{le="+Inf"}'), 0)
        counts |= {("request_seconds", "_sum"): seconds_sum}
        counts |= {("request_seconds", "_count"): finished}
        counts |= {(name, ""): value for name, value in gauges.items()}
        lines = []
        for name, (kind, text) in _HELP.items():
            lines += [f"# HELP kakushin_gate_{name} {text}", f"# TYPE kakushin_gate_{name} {kind}"]
            lines += [
                f"kakushin_gate_{n}{tail} {v}" for (n, tail), v in counts.items() if n == name
            ]
        return "\n".join(lines) + "\n"
