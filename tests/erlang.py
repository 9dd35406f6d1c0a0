"""An oracle for the simulated review desk: waiting in an M/M/c queue (Erlang 1917), with Poisson
arrivals, exponential service, c reviewers without breaks, steady state.

Load a = arrivals an hour * hours a case, in erlangs. Erlang B by its recursion, B_0 = 1, B_k = a
B_{k-1} / (k + a B_{k-1}); Erlang C = c B / (c - a (1 - B)), the share that waits. A wait that is
not 0 is exponential with rate (c - a) / hours a case.
"""

import math


def waiting_share(reviewers: int, load: float) -> float:
    """Erlang C: the share of cases that find every reviewer busy. Raises ValueError where there
    is no steady state.
    """
    if not (math.isfinite(load) and 0 <= load < reviewers):
        raise ValueError(
            f"a load of {load} on {reviewers} reviewers has no steady state: use a load of 0 to"
            f" below {reviewers}"
        )
    blocked = 1.0
    for k in range(1, reviewers + 1):
        blocked = load * blocked / (k + load * blocked)
    return reviewers * blocked / (reviewers - load * (1 - blocked))


def mean_wait(reviewers: int, load: float, hours_per_case: float) -> float:
    """W = C h / (c - a), in hours, over all cases, those that do not wait too."""
    return waiting_share(reviewers, load) * hours_per_case / (reviewers - load)


def wait_quantile(reviewers: int, load: float, hours_per_case: float, q: float) -> float:
    """The wait, in hours, that a share q of cases does not pass, from P(W > t) = C exp(-(c - a) t /
    h); 0 where q <= 1 - C.
    """
    if not 0 <= q < 1:
        raise ValueError(f"quantile {q} is not allowed: use 0 to below 1")
    waits = waiting_share(reviewers, load)
    return (
        0.0 if waits <= 1 - q else math.log(waits / (1 - q)) * hours_per_case / (reviewers - load)
    )
