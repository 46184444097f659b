"""The engine of a Ray cluster: one actor a GPU, or one a node where there are none."""

import importlib
import os
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from alignkit.checkpoints import Checkpoint
from alignkit.engines.crew import Crew, Worker, started, threads_here
from alignkit.errors import AlignkitError
from alignkit.kernels.merging import Ask, Part, Question
from alignkit.progress import Reporter

RETRIES = 20  # of a task whose worker died; machines that are taken away are usual on a cluster


def ray_engine(checkpoint: Checkpoint, workers: int | None, reporter: Reporter) -> Crew:
    """Start the actors on the cluster that RAY_ADDRESS names or that runs here, else a new one."""
    ray = connect()
    cluster = ray.cluster_resources()
    n_gpus = int(cluster.get("GPU", 0)) if checkpoint.options.device != "cpu" else 0
    n_nodes = sum(1 for node in ray.nodes() if node["Alive"])
    n = workers or n_gpus or n_nodes
    if n_gpus and n > n_gpus:
        raise AlignkitError(
            f"--workers {n}: the Ray cluster has {n_gpus} GPUs, and each has one actor"
        )
    reporter.say(f"{checkpoint.label}: {n} Ray actors on {n_nodes} nodes, {n_gpus} GPUs")
    actor = ray.remote(Worker).options(
        num_gpus=1 if n_gpus else 0,
        num_cpus=0 if n_gpus else max(1, int(cluster.get("CPU", 1)) // n),
        max_restarts=-1,
        max_task_retries=RETRIES,
        scheduling_strategy="SPREAD",
    )
    device = "cuda" if n_gpus else checkpoint.options.device
    recipe, n_threads = checkpoint.recipe("query"), threads_here()
    hands = [_Actor(actor.remote(checkpoint, recipe, device, n_threads)) for _ in range(n)]
    return started(hands, lambda hand: hand.call("counts", [], "query"))


class _Actor:
    """An actor, which Ray starts anew when it dies; a class because `Crew` wants an object."""

    def __init__(self, actor: Any) -> None:  # noqa: ANN401  Ray has no type for it
        self._actor = actor

    def call(self, method: str, *arguments: Any) -> Any:  # noqa: ANN401
        """Send a task and wait for its result."""
        ray = connect()
        try:
            return ray.get(getattr(self._actor, method).remote(*arguments))
        except ray.exceptions.RayTaskError as error:
            raise error.cause from error
        except ray.exceptions.RayActorError as error:  # its node is gone, or too often
            raise AlignkitError(
                f"a Ray actor cannot be reached: {error}; look at `ray status`, then run again, "
                "since what was embedded is kept"
            ) from error

    def close(self) -> None:
        """Let the actor go."""
        connect().kill(self._actor)


def on_ray(ask: Ask, question: Question, parts: Iterable[Part]) -> Iterator[Any]:
    """Ask every part as a Ray task: how `rank_in_parts` is spread over a cluster.

    Twice as many tasks as there are processors wait or run at a time, however many the parts.
    """
    ray = connect()
    task = ray.remote(ask).options(max_retries=RETRIES, scheduling_strategy="SPREAD")
    shared = ray.put(question)
    left = iter(parts)
    at_once = 2 * max(1, int(ray.cluster_resources().get("CPU", 1)))
    running = [task.remote(shared, part) for part in islice(left, at_once)]
    while running:
        yield ray.get(running.pop(0))
        running += [task.remote(shared, part) for part in islice(left, 1)]


def connect() -> Any:  # noqa: ANN401  the module
    """Import Ray and connect to its cluster, or start one on this machine."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        ray: Any = importlib.import_module("ray")  # an extra: type checkers need not find it
    except ImportError:
        raise AlignkitError(
            "--engine ray needs Ray; install it with: python -m pip install 'alignkit[ray]'"
        ) from None
    if not ray.is_initialized():
        quiet = {"log_to_driver": False, "logging_level": "ERROR"}
        try:
            ray.init(address=os.environ.get("RAY_ADDRESS", "auto"), **quiet)
        except (ConnectionError, ValueError) as error:  # of an address that is none
            if "RAY_ADDRESS" in os.environ:
                raise AlignkitError(
                    f"no Ray cluster answers at {os.environ['RAY_ADDRESS']}; start one with "
                    "`ray start --head`, set RAY_AUTH_MODE=token if it was started with a token, "
                    "or unset RAY_ADDRESS to work on this machine"
                ) from error
            ray.init(include_dashboard=False, **quiet)
    return ray
