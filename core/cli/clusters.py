"""The options of verbs whose work a Ray cluster can do, and the cluster that they name."""

import argparse

from core.errors import SettingsError


def cluster_options(verb: argparse.ArgumentParser) -> None:
    """Add the options of --engine ray, which the verb has."""
    cluster = verb.add_argument_group("with --engine ray")
    cluster.add_argument(
        "--address", help="of a running Ray cluster (default: Ray on this machine, for this call)"
    )
    cluster.add_argument(
        "--workers",
        type=int,
        help="actors, each with the model (default: one for each core or GPU)",
    )
    cluster.add_argument(
        "--gpus-per-worker", type=float, default=0.0, help="of each actor (default: 0)"
    )


def cluster_of(arguments):
    """Return the core.pipeline.cluster.Cluster of --engine ray, else None. Raises SettingsError."""
    from core.pipeline.cluster import Cluster, require_ray

    typed = [name for name in ("address", "workers", "gpus_per_worker") if getattr(arguments, name)]
    if arguments.engine == "ray":
        require_ray()  # before a large file is read
        return Cluster(arguments.address, arguments.workers, arguments.gpus_per_worker)
    if typed:
        options = [f"--{name.replace('_', '-')}" for name in typed]
        raise SettingsError("pipeline.cluster_only", options=options, engine=arguments.engine)
    return None
