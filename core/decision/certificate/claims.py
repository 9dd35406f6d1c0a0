"""A certificate: its claim, its evidence, and when it becomes void; and the result if no threshold
passes. Plain values that JSON can hold.

A certificate is a high-probability promise: with confidence 1 - delta over the draw of the
calibration cases, the risk of the certified threshold is at most the target. Conformal risk control
promises less (CRC, arXiv 2208.02814: the risk is at most the target on AVERAGE over calibration
sets, so any single set may be above it); nothing in this module gives CRC.
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

# Causes that void a certificate: the name is for programs, the sentence for people.
VOID_REASONS = {
    "another model": "the model is not the one that gave the calibration cases their confidence",
    "another process": "the cases come from another process than the calibration cases",
    "another segment": "it is applied to other segments than the one it was given for",
    "another policy": "the policy accepts by another rule than the certified one",
    "drift": "the cases have drifted since, and the calibration cases no longer represent them",
    "reweighted": "the classes are weighed by another prevalence than the calibration cases had",
    "expired": "its last day has passed",
}


@dataclass(frozen=True)
class RiskPromise:
    """The claim to certify. It must be fixed before any look at the calibration cases, because a
    claim fitted to them voids the tests.
    """

    measure: str  # one of CERTIFIABLE_RISKS
    target: float  # a: the highest admissible risk, in (0, 1)
    # The admissible chance of a wrong certificate, in (0, 1); of any wrong one over all segments.
    delta: float = 0.05
    # nats; a case is accepted if also epistemic <= limit. None: confidence alone decides.
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
    """The source of the calibration cases, and the dates between which they represent new cases."""

    model_hash: str  # of the model that scored them; it was fitted on none of them
    process: str  # name of the dataset: the line, the product, the queue
    issued_on: date
    expires_on: date  # the last day on which the certificate is valid

    def __post_init__(self) -> None:
        if self.expires_on < self.issued_on:
            raise SettingsError(
                "decision.certificate_dates", expires_on=self.expires_on, issued_on=self.issued_on
            )


@dataclass(frozen=True)
class CertificateEvidence:
    """The calibration cases behind a result, and the method of their test."""

    segment: str | None  # None: all cases
    family: int  # segments certified together
    level: float  # the level of this segment's tests: delta / family (Bonferroni)
    labelled: int  # cases with a label, the pilot included
    unlabelled: int  # cases left out because they have no label
    # Labelled cases that choose the first threshold by confidence alone; no test uses them.
    pilot: int
    seed: int  # of the draw of the pilot
    # sha256 of the labelled cases' confidence, outcome and epistemic, in their order
    data_hash: str
    method: str


@dataclass(frozen=True)
class Certificate:
    """measure <= target with confidence 1 - delta, jointly from `threshold` to `strictest`."""

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
        """Return whether the certificate holds for a policy with this threshold.

        A stricter threshold can only leak less, so a leakage certificate covers every stricter one.
        Its selective risk may still be higher, among the fewer cases that it accepts, so a
        certificate of selective risk covers only the thresholds that were tested.
        """
        if self.promise.measure == LEAKAGE:
            return bool(threshold >= self.threshold)
        return bool(self.threshold <= threshold <= self.strictest and threshold in THRESHOLDS)

    def to_json(self) -> str:
        """Return the JSON text that `from_json` reads back as an equal certificate."""
        return json.dumps(
            {"format": CERTIFICATE_FORMAT} | asdict(self), allow_nan=False, default=date.isoformat
        )

    @classmethod
    def from_json(cls, text: str) -> "Certificate":
        """Return the certificate of a `to_json` text.

        Raises DocumentError if the text is not a certificate or has another format.
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
    """The reason why no threshold passed, and the labels that a pass takes. The counts are at
    `threshold`, the one nearest to a pass.

    Both figures of more labels assume that new cases are like these. They are for planning, never
    for repeated tests on growing data at the same level: fix a number, collect it, certify once.
    """

    promise: RiskPromise
    evidence: CertificateEvidence
    # NOT_ENOUGH_DATA, or RISK_TOO_HIGH: the observed share of errors is at or above the target at
    # every threshold
    reason: str
    threshold: float | None  # None if no threshold accepts a case
    tested: int
    accepted: int
    errors: int
    # cases in the test's denominator if none were wrong: ln(level) / ln(1 - target), rounded up
    needed_without_error: int
    # The additional labels that a first pass needs; at full coverage if nothing was accepted.
    more_without_error: int
    # The same at the observed share of errors. None: no number suffices, or more than 100,000.
    needed_at_rate: int | None
    more_at_rate: int | None


@dataclass(frozen=True)
class CertificateUse:
    """The present use of a certificate. State a condition that was not checked as the worse case;
    the defaults claim that it was checked.
    """

    on: date
    model_hash: str
    process: str
    threshold: float
    epistemic_limit: float | None = None
    segment: str | None = None
    # The policy has thresholds by class, or any rule but one threshold and one limit.
    other_rules: bool = False
    drifted: bool = False
    reweighted: bool = False


def void_reasons(certificate: Certificate, use: CertificateUse) -> tuple[str, ...]:
    """Return the names in VOID_REASONS that void the certificate for this use; () if it holds."""
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
