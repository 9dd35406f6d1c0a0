"""The sentences of the page 'Worklist', in markdown. Pure: results and words in, text out."""

from core.store.reviews import AppliedPolicy
from dashboard.components.sentences import Card, policy_version_name
from dashboard.i18n import Words


def headline(words: Words, decided: AppliedPolicy) -> str:
    """Return how many decided cases the machine and people handle."""
    return words.markdown(
        "worklist.headline",
        accepted=words.number(decided.accepted, 0),
        review=words.number(decided.review, 0),
    )


def sources(words: Words, decided: AppliedPolicy) -> str:
    """Return which version decided, when, and with which certificate."""
    state = decided.certificate
    state_name = "none" if state is None else state if state in ("valid", "none") else "void"
    certificate = words(f"worklist.certificate.{state_name}")
    return words.markdown(
        "worklist.sources",
        policy=policy_version_name(words, decided.policy, decided.version),
        at=words.time(decided.last_at),
        certificate=certificate,
        model=decided.model_hash[:12],
    )


def worklist_cards(words: Words, decided: AppliedPolicy, cases: int) -> list[Card]:
    """Return cards of the cases of the machine, of people, and without a decision."""
    numbers = {
        "machine": decided.accepted,
        "person": decided.review,
        "waiting": cases - decided.accepted - decided.review,
    }
    return [
        Card(
            key=f"worklist_{key}",
            label=words(f"worklist.card.{key}"),
            value=words.number(n, 0),
            help=words(f"worklist.card.{key}.help"),
            lines=(words("worklist.of_all", share=words.percent(n / cases if cases else None)),),
        )
        for key, n in numbers.items()
    ]
