"""The kernel of a step: an ordinary one, or a fork of the warm parent."""

import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jupyter_client.manager import AsyncKernelManager

from iris_lab.workflow.warm import WarmParent


class RunKernelManager(AsyncKernelManager):
    """Manages a run's kernel: local sockets instead of ports, and a fork of the warm parent where there is one.

    Parameters
    ----------
    scratch
        Private folder for the connection file.
    sockets
        Private folder for the sockets; None for ports, which can collide between parallel runs.
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
        sockets: Path | None,
        environment: Mapping[str, str],
        *,
        warm_parent: WarmParent | None = None,
        kernel_name: str = "python3",
    ) -> None:
        super().__init__(kernel_name=kernel_name, connection_file=str(scratch / f"{time.monotonic_ns()}.json"))
        self.context.rcvhwm = 0  # ZeroMQ drops messages beyond a "high-water mark", by default of 1,000; 0 is none
        if sockets:
            self.transport, self.ip = "ipc", str(sockets / f"{time.monotonic_ns()}")
        self._environment = dict(environment)
        self._warm_parent = warm_parent if kernel_name == "python3" else None

    async def _async_launch_kernel(self, kernel_cmd: list[str], **options: Any) -> None:
        options["env"] = dict(self._environment)  # in place of the caller's
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
