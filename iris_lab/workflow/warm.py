"""The warm parent: a process that imports the analysis stack once, and forks the kernels of a run.

A kernel spends most of its time importing. Python's own fork server would import the caller's main module again in
every child and take the caller's environment, hash seed included; ours starts in the pinned environment and ends its
kernels when the runner is killed. This module imports little but the standard library, so that the warm parent
starts before the runner imports its own packages.
"""

import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from iris_lab.workflow.environment import pinned_environment
from iris_lab.workflow.scratch import scratch_folder

STOP_SECONDS = 10
ANSWER_SECONDS = 300  # it answers once it has imported, which a slow disk can make minutes
CAN_FORK = sys.platform == "linux"  # macOS's frameworks don't survive a fork, Windows has none


class WarmParent:
    """A process that has imported the analysis stack and forks kernels; see `warm_parent.py`.

    Parameters
    ----------
    environment
        Environment variables of the parent and so of its kernels.
    preload
        Import what the steps import, so that none of the kernels has to.
    """

    def __init__(self, environment: Mapping[str, str], *, preload: bool = True) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "iris_lab.workflow.warm_parent", *([] if preload else ["--bare"])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=dict(environment),
            text=True,
            start_new_session=True,  # Ctrl-C is for the runner, which then ends the kernels in order
        )
        self._turn = threading.Lock()  # steps that run side by side ask from threads

    def ask(self, **request: Any) -> Any:
        """Send one request and return its answer.

        Raises
        ------
        RuntimeError
            The parent is gone.
        """
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise RuntimeError("the warm parent of the kernels has no pipes")
        try:
            with self._turn:
                return self._asked(stdin, stdout, request)
        except (OSError, ValueError) as error:
            raise RuntimeError("the warm parent of the kernels is gone") from error

    def _asked(self, stdin: IO[str], stdout: IO[str], request: Mapping[str, Any]) -> Any:
        stdin.write(json.dumps(request) + "\n")
        stdin.flush()
        self._wake(stdout)
        return json.loads(stdout.readline())

    def _wake(self, stdout: IO[str]) -> None:
        """Wait for the answer to a request; a parent that a cell stopped is continued, as often as it takes.

        Raises
        ------
        OSError
            It does not answer.
        """
        for _ in range(ANSWER_SECONDS):
            if select.select([stdout], [], [], 1)[0]:
                return
            self._process.send_signal(signal.SIGCONT)
        raise TimeoutError("no answer")

    @property
    def is_alive(self) -> bool:
        """Whether the parent has not ended, as the system ends one for want of memory."""
        return self._process.poll() is None

    def fork(self, argv: list[str], cwd: str, env: Mapping[str, str]) -> "ForkedKernel":
        """Start a kernel.

        Parameters
        ----------
        argv
            The module to run and its arguments, as after ``python -m``.
        cwd, env
            Working directory, and environment variables in addition to the parent's.
        """
        return ForkedKernel(self, self.ask(argv=argv, cwd=cwd, env=dict(env)))

    def call(self, module: str, function: str, given: str) -> "ForkedKernel":
        """Call a function in a process of its own, which has imported what kernels have."""
        return ForkedKernel(self, self.ask(call=[module, function, given]))

    def stop(self) -> None:
        """End the parent, and with it the remaining kernels and every process that they started."""
        with suppress(OSError, subprocess.TimeoutExpired):
            self._process.send_signal(signal.SIGCONT)
            self._process.communicate(timeout=STOP_SECONDS)
        self._process.kill()
        with suppress(OSError, ValueError):
            self._process.communicate()


class ForkedKernel:
    """A forked process, most often a kernel's, with the part of `subprocess.Popen` that jupyter_client uses."""

    stdin = stdout = stderr = None

    def __init__(self, parent: WarmParent, pid: int) -> None:
        self.pid = pid
        self._parent = parent
        self._code: int | None = None

    def poll(self) -> int | None:
        """Return the exit code, negative for a signal, or None while the kernel runs."""
        if self._code is None:
            try:
                self._code = self._parent.ask(poll=self.pid)
            except RuntimeError:
                self._code = -signal.SIGKILL  # a kernel ends with its parent
        return self._code

    def wait(self) -> int:
        """Wait until the kernel has ended, and return its exit code."""
        while (code := self.poll()) is None:
            time.sleep(0.02)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal to the kernel alone."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask the kernel to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End the kernel."""
        self.send_signal(signal.SIGKILL)


Kernels = tuple[WarmParent | None, Path]  # what forks kernels, and a scratch folder


@contextmanager
def warm_kernels(*, preload: bool = True) -> Iterator[Kernels]:
    """Yield a warm parent, None where the system cannot fork, and a scratch folder, both for the time of a run."""
    with scratch_folder() as scratch:
        warm_parent = WarmParent(pinned_environment(scratch), preload=preload) if CAN_FORK else None
        try:
            yield warm_parent, scratch
        finally:
            if warm_parent:
                warm_parent.stop()
