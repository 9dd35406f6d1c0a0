"""The examples in docstrings of what an engineer calls: each prints what it says."""

import doctest
from importlib import import_module

import pytest

MODULES = (
    "core.cases.labels",
    "core.counts.histogram",
    "core.decision.certificate.certify",
    "core.decision.thresholds.consequence",
    "core.decision.thresholds.policy",
    "core.hosts",
    "core.messages",
    "core.stats.agreement",
    "core.stats.bounds",
    "core.stats.calibration",
    "core.stats.date_span",
    "core.stats.risk_control",
    "core.stats.selective",
    "core.stats.temperature",
    "core.stats.uncertainty",
    "dashboard.queue.excerpt",
)


@pytest.mark.parametrize("module", MODULES)
def test_the_examples_of_a_module_print_what_they_say(module):
    results = doctest.testmod(import_module(module))
    assert results.attempted > 0
    assert results.failed == 0
