"""Kernels: ordinary ones, or forked from a warm parent that has imported the stack once.

A kernel spends most of its time importing. The warm parent does that once a run, and each kernel is a fork of it.
Python's own fork server would import the caller's main module again in every child and take the caller's environment,
hash seed included; ours starts in the pinned environment and ends its kernels when the runner is killed.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from jupyter_client.manager import AsyncKernelManager

CAN_FORK = sys.platform == "linux"  # macOS's frameworks don't survive a fork, Windows has none


class WarmParent:
    """A process that has imported the analysis stack and forks kernels; see `warm_parent.py`.

    Parameters
    ----------
    environment
        Environment variables of the parent and so of its kernels.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "iris_lab.workflow.warm_parent"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=dict(environment),
            text=True,
            start_new_session=True,  # Ctrl-C is for the runner, which then ends the kernels in order
        )
        self._kernels: list[ForkedKernel] = []

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
            stdin.write(json.dumps(request) + "\n")
            stdin.flush()
            return json.loads(stdout.readline())
        except (OSError, ValueError) as error:
            raise RuntimeError("the warm parent of the kernels is gone") from error

    def fork(self, argv: list[str], cwd: str, env: Mapping[str, str]) -> "ForkedKernel":
        """Start a kernel.

        Parameters
        ----------
        argv
            The module to run and its arguments, as after ``python -m``.
        cwd, env
            Working directory, and environment variables beside the parent's.
        """
        kernel = ForkedKernel(self, self.ask(argv=argv, cwd=cwd, env=dict(env)))
        self._kernels.append(kernel)
        return kernel

    def stop(self) -> None:
        """End the kernels that are left, and the parent."""
        for kernel in self._kernels:
            with suppress(ProcessLookupError):
                if kernel.poll() is None:
                    os.killpg(kernel.pid, signal.SIGKILL)
        self._process.kill()
        with suppress(OSError):
            self._process.communicate()


class ForkedKernel:
    """A kernel's process, with the part of `subprocess.Popen` that jupyter_client asks for."""

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
        """Return the exit code once there is one."""
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


class RunKernelManager(AsyncKernelManager):
    """Manages a run's kernel: local sockets instead of ports, and a fork of the warm parent where there is one.

    Parameters
    ----------
    scratch
        Private folder for the sockets and the connection file. Ports would collide between parallel runs.
    environment
        Environment variables of the kernel.
    warm_parent
        What to fork from; None for an ordinary kernel.
    kernel_name
        Name of an installed kernel; only ``python3`` is forked.
    """

    def __init__(
        self,
        scratch: Path,
        environment: Mapping[str, str],
        *,
        warm_parent: WarmParent | None = None,
        kernel_name: str = "python3",
    ) -> None:
        super().__init__(kernel_name=kernel_name, connection_file=str(scratch / f"{time.monotonic_ns()}.json"))
        if os.name == "posix":
            self.transport, self.ip = "ipc", str(scratch / f"{time.monotonic_ns()}")
        self._environment = dict(environment)
        self._warm_parent = warm_parent if kernel_name == "python3" else None

    async def _async_launch_kernel(self, kernel_cmd: list[str], **options: Any) -> None:
        options["env"] = options.get("env", {}) | self._environment
        if self._warm_parent is None:
            options |= {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            await super()._async_launch_kernel(kernel_cmd, **options)
            return
        cwd = str(options.get("cwd") or Path.cwd())
        kernel = self._warm_parent.fork(kernel_cmd[2:], cwd, self._environment)
        provisioner: Any = self.provisioner
        provisioner.process, provisioner.pid, provisioner.pgid = kernel, kernel.pid, kernel.pid
        self._reconcile_connection_info(provisioner.connection_info)

    _launch_kernel = _async_launch_kernel  # the base class calls it by this name
