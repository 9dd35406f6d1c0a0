"""A certificate: its claim, its evidence, and when it becomes void; and the answer where no
threshold could be certified. Plain and JSON-able.

A certificate is a high-probability promise: with confidence 1 - delta over the draw of the
calibration cases, the risk of the certified threshold is at most the target. That is not what
conformal risk control promises (CRC, arXiv 2208.02814: the risk is at most the target on AVERAGE
over calibration sets, so any single set may be above it); nothing here gives CRC.
`core.decision.certificate.certify` makes these objects.
"""

import json
from dataclasses import asdict, dataclass
from datetime import date

import numpy as np

from core.counts.histogram import THRESHOLDS
from core.errors import DocumentError, SettingsError

SELECTIVE_RISK, LEAKAGE = "selective_risk", "leakage"
CERTIFIABLE_RISKS = (
    SELECTIVE_RISK,
    LEAKAGE,
)  # wrong accepted / accepted; wrong accepted / all cases
NOT_ENOUGH_DATA, RISK_TOO_HIGH = "not enough data", "risk too high"
CERTIFICATE_FORMAT = 1  # raised when a field changes its meaning

# What voids a certificate, by name: the name is for programs, the sentence for people.
VOID_REASONS = {
    "another model": "the model is not the one that gave the calibration cases their confidence",
    "another process": "the cases come from another process than the calibration cases",
    "another segment": "it is applied to other segments than the one it was given for",
    "another policy": "the policy accepts by another rule than the certified one",
    "drift": "the cases have drifted since, and the calibration cases no longer stand for them",
    "reweighted": "the classes are weighed by another prevalence than the calibration cases had",
    "expired": "its last day has passed",
}


@dataclass(frozen=True)
class RiskPromise:
    """What is to be certified, fixed before anyone looks at the calibration cases."""

    measure: str  # one of MEASURES
    target: float  # a: the risk that may not be exceeded, in (0, 1)
    # the accepted chance of a wrong certificate, in (0, 1); of any wrong one where there are
    # segments
    delta: float = 0.05
    # nats; accepted is also epistemic <= limit. None: confidence alone decides
    epistemic_limit: float | None = None

    def __post_init__(self) -> None:
        if self.measure not in CERTIFIABLE_RISKS:
            raise SettingsError(
                "decision.certified_risk", measure=self.measure, allowed=CERTIFIABLE_RISKS
            )
        for name in ("target", "delta"):
            if not 0 < getattr(self, name) < 1:
                raise SettingsError("decision.open_share", name=name, value=getattr(self, name))
        if self.epistemic_limit is not None and not 0 <= self.epistemic_limit < np.inf:
            raise SettingsError("decision.certified_epistemic_limit", value=self.epistemic_limit)


@dataclass(frozen=True)
class CertificateOrigin:
    """Where the calibration cases come from, and how long they count for new cases."""

    model_hash: str  # of the model that scored them; it was fitted on none of them
    process: str  # name of the dataset: the line, the product, the queue
    issued_on: date
    expires_on: date  # the last day on which the certificate counts

    def __post_init__(self) -> None:
        if self.expires_on < self.issued_on:
            raise SettingsError(
                "decision.certificate_dates", expires_on=self.expires_on, issued_on=self.issued_on
            )


@dataclass(frozen=True)
class CertificateEvidence:
    """The calibration cases that a result rests on, and how they were tested."""

    segment: str | None  # None: all cases
    family: int  # segments certified together
    level: float  # what this segment's tests may spend: delta / family (Bonferroni)
    labelled: int  # cases with a label, the pilot among them
    unlabelled: int  # cases left out because they have no label
    # labelled cases that chose where to begin, by their confidence alone, and tested nothing
    pilot: int
    seed: int  # of the draw of the pilot
    # sha256 of the labelled cases' confidence, outcome and epistemic, in their order
    data_hash: str
    method: str


@dataclass(frozen=True)
class Certificate:
    """measure <= target with confidence 1 - delta, at `threshold` and up to `strictest`, all at
    once.
    """

    promise: RiskPromise
    origin: CertificateOrigin
    evidence: CertificateEvidence
    threshold: float  # the loosest certified: accept when confidence >= threshold
    strictest: float  # every grid threshold from here to `threshold` is certified with it
    tested: int  # labelled cases in the test: labelled - pilot
    accepted: int  # of the tested, at `threshold`
    errors: int  # of the accepted
    p_value: float

    def covers(self, threshold: float) -> bool:
        """Whether a policy with this threshold accepts by the certified rule.

        A stricter threshold can only leak less, so a leakage certificate covers all of them. It may
        well be wrong more often among the fewer that it accepts, so for selective risk only the
        thresholds that were themselves tested count.
        """
        if self.promise.measure == LEAKAGE:
            return bool(threshold >= self.threshold)
        return bool(self.threshold <= threshold <= self.strictest and threshold in THRESHOLDS)

    def to_json(self) -> str:
        """Text that `from_json` reads back as an equal certificate."""
        return json.dumps(
            {"format": CERTIFICATE_FORMAT} | asdict(self), allow_nan=False, default=date.isoformat
        )

    @classmethod
    def from_json(cls, text: str) -> "Certificate":
        """Read `to_json`. Raises DocumentError where the text is no certificate, or one of another
        format.
        """
        try:
            values = json.loads(text)
            if values.pop("format") != CERTIFICATE_FORMAT:
                raise DocumentError("decision.certificate_format", format=CERTIFICATE_FORMAT)
            origin = values.pop("origin")
            origin |= {
                name: date.fromisoformat(origin[name]) for name in ("issued_on", "expires_on")
            }
            promise, evidence = (
                RiskPromise(**values.pop("promise")),
                CertificateEvidence(**values.pop("evidence")),
            )
            return cls(
                promise=promise, origin=CertificateOrigin(**origin), evidence=evidence, **values
            )
        except (ValueError, TypeError, KeyError, AttributeError) as e:
            raise DocumentError("decision.certificate_text", reason=str(e)) from e


@dataclass(frozen=True)
class NotCertified:
    """No threshold passed, why, and what it would take. The counts are at `threshold`, the one that
    came nearest.

    Both figures of more labels assume that new cases are like these. They are estimates for
    planning, never a reason to test again and again on growing data at the same level: decide on a
    number, collect it, certify once.
    """

    promise: RiskPromise
    evidence: CertificateEvidence
    # NOT_ENOUGH_DATA, or RISK_TOO_HIGH: the observed share of errors is at or above the target at
    # every threshold
    reason: str
    threshold: float | None  # None where nothing was accepted at any
    tested: int
    accepted: int
    errors: int
    # cases in the test's denominator if none were wrong: ln(level) / ln(1 - target), rounded up
    needed_without_error: int
    # additional labels, at least; at full coverage where nothing was accepted
    more_without_error: int
    # the same at the observed share of errors. None: no number suffices, or more than 100,000
    needed_at_rate: int | None
    more_at_rate: int | None


@dataclass(frozen=True)
class CertificateUse:
    """How a certificate is used today. What was not checked must be given as the worse case, not
    left at the default.
    """

    on: date
    model_hash: str
    process: str
    threshold: float
    epistemic_limit: float | None = None
    segment: str | None = None
    # the policy has thresholds by class, or any rule but one threshold and limit
    other_rules: bool = False
    drifted: bool = False
    reweighted: bool = False


def void_reasons(certificate: Certificate, use: CertificateUse) -> tuple[str, ...]:
    """Names in VOIDS of all that voids the certificate for this use; () where it counts."""
    same_rule = (
        certificate.covers(use.threshold)
        and use.epistemic_limit == certificate.promise.epistemic_limit
    )
    voids = {
        "another model": use.model_hash != certificate.origin.model_hash,
        "another process": use.process != certificate.origin.process,
        "another segment": use.segment != certificate.evidence.segment,
        "another policy": use.other_rules or not same_rule,
        "drift": use.drifted,
        "reweighted": use.reweighted,
        "expired": use.on > certificate.origin.expires_on,
    }
    return tuple(name for name in VOID_REASONS if voids[name])
