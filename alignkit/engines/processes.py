"""The engine of several processes on one machine: one a device."""

import multiprocessing
import signal
import threading
import traceback
from multiprocessing.connection import Connection
from typing import Any

from tqdm import tqdm

from alignkit.checkpoints import Checkpoint
from alignkit.engines.crew import Crew, Worker, started, threads_here
from alignkit.errors import AlignkitError
from alignkit.progress import Reporter

LIVES = 3  # a piece that ended so many processes will end the next as well


def process_engine(checkpoint: Checkpoint, reporter: Reporter) -> Crew:
    """Start a process for each of the checkpoint's devices."""
    devices = checkpoint.options.devices
    reporter.say(f"{checkpoint.label}: {len(devices)} processes, on {', '.join(devices)}", level=1)
    recipe, n_threads = checkpoint.recipe("query"), threads_here()
    hands = [_Process(checkpoint, recipe, device, n_threads) for device in devices]
    return started(hands, lambda hand: hand.call("counts", [], "query"))


class _Process:
    """A process and the pipe to it; a class because it is started anew when it dies."""

    def __init__(self, *arguments: Any) -> None:  # noqa: ANN401  those of Worker
        self._arguments = arguments
        self._closed = False
        self._start()

    def _start(self) -> None:
        # Not forked: CUDA and tokenizers do not survive that.
        spawn = multiprocessing.get_context("spawn")
        self._pipe, other = spawn.Pipe()
        self._process = spawn.Process(target=_work, args=(other, *self._arguments), daemon=True)
        self._process.start()
        other.close()

    def call(self, method: str, *arguments: Any) -> Any:  # noqa: ANN401
        """Send a task and wait for its result, from a new process where the old one dies."""
        code = None
        for _ in range(LIVES):
            try:
                self._pipe.send((method, arguments))
                fault, result = self._pipe.recv()
            except (EOFError, OSError):
                self._process.join()
                if self._closed:
                    raise
                code = self._process.exitcode
                self._start()
                continue
            if fault is None:
                return result
            raise fault if isinstance(fault, AlignkitError) else RuntimeError(str(fault))
        raise AlignkitError(
            f"{LIVES} worker processes ended one after the other, the last with exit code {code}; "
            "if memory ran out, name fewer devices or fewer --batch-tokens"
        )

    def close(self) -> None:
        """End the process."""
        self._closed = True
        self._process.kill()
        self._process.join()


def _work(pipe: Connection, *arguments: Any) -> None:  # noqa: ANN401
    """Load the model, then do what comes through the pipe until it is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's affair
    # tqdm's own lock is a semaphore, of which a killed process leaves a warning behind.
    tqdm.set_lock(threading.RLock())
    worker: Worker | None = None
    while True:
        try:
            method, given = pipe.recv()
        except EOFError:
            return
        try:
            worker = worker or Worker(*arguments)
            pipe.send((None, getattr(worker, method)(*given)))
        except AlignkitError as error:
            pipe.send((error, None))
        except Exception:  # noqa: BLE001  the parent raises it
            pipe.send((traceback.format_exc(), None))
