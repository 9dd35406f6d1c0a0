"""The verbs `monitor`, `propose` and `replay`: watch a stream, move a threshold, replay a policy."""

import json

from core.cli.verbs import add_verb, assumed_amounts, store_of
from core.messages import reader_language, sentence
from core.settings import Settings


def add_monitor(verbs) -> None:
    """Add the verb `monitor`."""
    verb = add_verb(verbs, "monitor", _monitor, "check whether a run's stream has changed since")
    _add_stream(verb)
    verb.add_argument(
        "--record",
        action="store_true",
        help="record the alarms of harm: they void the policy's certificate",
    )
    verb.add_argument(
        "--shadow",
        type=float,
        metavar="SHARE",
        help="draw audits of cases that the policy would accept and that people settle",
    )
    verb.add_argument(
        "--clear",
        metavar="AUTHOR",
        help="clear the open alarm of harm, if audits since it show that the limit is kept",
    )
    verb.add_argument("--json", action="store_true", help="one JSON object instead of sentences")


def add_propose(verbs) -> None:
    """Add the verb `propose`."""
    verb = add_verb(verbs, "propose", _propose, "save the proposed threshold as a new version")
    _add_stream(verb)
    verb.add_argument("--author", required=True, help="whose name the proposal carries")


def add_replay(verbs) -> None:
    """Add the verb `replay`."""
    verb = add_verb(verbs, "replay", _replay, "print what another threshold would have leaked")
    _add_stream(verb)
    verb.add_argument(
        "--instead",
        type=float,
        action="append",
        required=True,
        metavar="THRESHOLD",
        help="a threshold in place of the policy; may be repeated",
    )
    verb.add_argument("--since", metavar="DAY", help="YYYY-MM-DD (default: the first case)")


def _add_stream(verb) -> None:
    verb.add_argument("--run", dest="run_id", required=True, help="a scoring run of a stream")
    verb.add_argument(
        "--every",
        type=float,
        default=10_000.0,
        metavar="CASES",
        help="one false alarm per this many cases (default: 10000)",
    )
    verb.add_argument(
        "--threshold", type=float, help="watch this threshold (default: the policy of the run)"
    )
    verb.add_argument(
        "--target-leakage",
        type=float,
        metavar="SHARE",
        help="what a proposed threshold must keep (default: the certificate's leakage, or the"
        " highest that the reference allows)",
    )
    verb.add_argument(
        "--rehearse",
        type=float,
        metavar="SHARE",
        help="let the file's labels act as audits of this share of the accepted cases",
    )


def _watched(arguments, store):
    """Return the policy to watch and the settings. Raises NotFoundError without a policy."""
    from core.decision.thresholds.policy import Policy
    from core.decision.watch.adapt import AdaptSettings
    from core.decision.watch.report import WatchSettings
    from core.errors import NotFoundError
    from core.pipeline.watch import WatchedPolicy, policy_to_watch

    watched = (
        policy_to_watch(store, arguments.run_id)
        if arguments.threshold is None
        else WatchedPolicy(Policy(arguments.threshold))
    )
    if watched is None:
        raise NotFoundError("watch.nothing_to_watch", run=arguments.run_id)
    amounts = assumed_amounts(store, store.run(arguments.run_id).run.dataset)
    target = arguments.target_leakage
    adapt = None if target is None else AdaptSettings(target)
    costs = (amounts["review"], amounts["escape"])
    return watched, WatchSettings(arguments.every, None, adapt, *costs)


def _monitor(arguments, settings: Settings) -> None:
    from core.errors import SettingsError
    from core.pipeline.watch import watch_run
    from core.pipeline.watch_steps import clear_alarm, draw_shadow_audits, record_alarms
    from core.report.watch_text import basis_text, watch_record, watch_sentences

    # A rehearsed alarm is about labels of a file: it must void no certificate.
    if arguments.record and arguments.rehearse is not None:
        raise SettingsError("watch.rehearsal_recorded")
    store, language = store_of(settings), reader_language()
    watched, watch_settings = _watched(arguments, store)
    if arguments.shadow is not None:
        n = draw_shadow_audits(store, arguments.run_id, watched, arguments.shadow)
        print(sentence(language, "watch.shadow", n=n))
    if arguments.clear is not None:
        event = clear_alarm(store, arguments.run_id, watched, watch_settings, arguments.clear)
        print(sentence(language, "watch.cleared", n=event.audits, detector=event.detector))
    report = watch_run(store, arguments.run_id, watched, watch_settings, arguments.rehearse)
    recorded = record_alarms(store, arguments.run_id, watched, report) if arguments.record else None
    if arguments.json:
        print(json.dumps(watch_record(report), indent=2, default=str))
        return
    if arguments.rehearse is not None:
        print(sentence(language, "watch.rehearsed", share=arguments.rehearse))
    version = watched.version
    name = f"{version.name}:{version.version}" if version else str(watched.policy.threshold)
    print(basis_text(report, name, language))
    print(watch_sentences(report, language))
    if recorded is not None:
        print(sentence(language, "watch.recorded", n=recorded))


def _propose(arguments, settings: Settings) -> None:
    from core.decision.watch.adapt import KEEP
    from core.errors import SettingsError
    from core.pipeline.watch import watch_run
    from core.pipeline.watch_steps import add_proposed_policy
    from core.report.watch_text import proposal_text

    store, language = store_of(settings), reader_language()
    watched, watch_settings = _watched(arguments, store)
    report = watch_run(store, arguments.run_id, watched, watch_settings, arguments.rehearse)
    reason = proposal_text(report.proposal, language)
    if report.proposal.direction == KEEP:
        raise SettingsError("watch.nothing_to_propose", run=arguments.run_id, reason=reason)
    version = add_proposed_policy(
        store, arguments.run_id, watched, report.proposal.shift, arguments.author, reason[:200]
    )
    print(sentence(language, "watch.proposed", name=version.name, version=version.version))


def _replay(arguments, settings: Settings) -> None:
    from core.decision.thresholds.policy import Policy
    from core.pipeline.watch_steps import replay_policies
    from core.report.watch_text import replay_sentences

    store = store_of(settings)
    watched, watch_settings = _watched(arguments, store)
    others = {f"{t:.3f}": Policy(t) for t in arguments.instead}
    table = replay_policies(
        store,
        arguments.run_id,
        watched,
        others,
        watch_settings,
        arguments.since,
        arguments.rehearse,
    )
    print(replay_sentences(table, reader_language()))
