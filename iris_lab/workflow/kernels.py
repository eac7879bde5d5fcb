"""The kernel of a step: forked from the warm parent, or an ordinary process where the system cannot fork."""

import asyncio
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from jupyter_core.paths import jupyter_path
from traitlets import Dict, Instance

from iris_lab.workflow.environment import pinned_environment
from iris_lab.workflow.ready_client import ReadyClient
from iris_lab.workflow.warm import WarmParent, warm_kernels

ENDED_SECONDS, LOOKS = 1, 200  # a second; jupyter_client waits on
LAUNCHER = ["-m", "ipykernel_launcher"]  # how every kernel specification of IPython's kernel starts it


class PinnedProvisioner(LocalProvisioner):
    """Starts a kernel in the pinned environment, forked from a warm parent where the system can fork.

    Its entry point is ``iris-lab``, so that any kernel specification can name it.

    Attributes
    ----------
    environment
        Environment variables of the kernel; empty for those of `pinned_environment`.
    warm_parent
        The process to fork from; None to start one for this kernel.
    """

    environment = Dict()
    warm_parent = Instance(WarmParent, allow_none=True)

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self._own = ExitStack()

    async def pre_launch(self, **options: Any) -> dict[str, Any]:
        """Put the pinned environment in place of the caller's."""
        if self.warm_parent is None:
            self.warm_parent, scratch = self._own.enter_context(warm_kernels(preload=False))
            self.environment = self.environment or pinned_environment(scratch)
        with self._nothing_left_behind():
            return await super().pre_launch(**(options | {"env": dict(self.environment)}))

    async def launch_kernel(self, cmd: list[str], **options: Any) -> KernelConnectionInfo:
        """Fork the kernel, or start it as a program if it is of another language or the system cannot fork."""
        is_ipython = cmd[1:3] == LAUNCHER
        with self._nothing_left_behind():
            if self.warm_parent is None or not is_ipython:
                if is_ipython:
                    cmd = [cmd[0], "-P", "-m", "iris_lab.workflow.kernel_app", *cmd[3:]]
                silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
                return await super().launch_kernel(cmd, **(options | silent))
            cwd = str(options.get("cwd") or Path.cwd())
            kernel = self.warm_parent.fork(cmd[2:], cwd, self.environment)
        self.process = kernel  # type: ignore[assignment]  # it has the part of Popen that the base class uses
        self.pid = self.pgid = kernel.pid
        return self.connection_info

    async def shutdown_requested(self, restart: bool = False) -> None:
        """Wait for a kernel that was asked to end: jupyter_client looks for it every 100 ms, of which it needs 20."""
        for _ in range(ENDED_SECONDS * LOOKS):
            if await self.poll() is not None:
                return
            await asyncio.sleep(1 / LOOKS)

    @contextmanager
    def _nothing_left_behind(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self._own.close()
            raise

    async def cleanup(self, restart: bool = False) -> None:
        """End the warm parent, if it was started for this kernel, and with it all processes that the kernel started."""
        await super().cleanup(restart=restart)
        if not restart:
            self._own.close()


def kernel_manager(
    kernel_name: str,
    scratch: Path,
    sockets: Path | None,
    warm_parent: WarmParent | None,
    more: Mapping[str, str],
) -> AsyncKernelManager:
    """Return the manager of a run's kernel.

    Parameters
    ----------
    kernel_name
        Name of an installed kernel.
    scratch
        Private folder for the connection file and IPython's settings.
    sockets
        Private folder for the sockets; None for ports, which can collide between parallel runs.
    warm_parent
        The process to fork from; None to start one for this kernel.
    more
        Environment variables beside the pinned ones.

    Raises
    ------
    jupyter_client.kernelspec.NoSuchKernel
        No such kernel is installed.
    """
    manager = AsyncKernelManager(kernel_name=kernel_name, connection_file=str(scratch / f"{time.monotonic_ns()}.json"))
    # ~/.ipython, a default, is left out: IPython makes it or, without a home, warns and leaves a temporary folder.
    manager.kernel_spec_manager = KernelSpecManager(kernel_dirs=jupyter_path("kernels"))
    manager.provisioner = PinnedProvisioner(
        kernel_spec=manager.kernel_spec,
        parent=manager,
        environment={**pinned_environment(scratch), **more},
        warm_parent=warm_parent,
    )
    manager.client_factory = ReadyClient
    manager.context.rcvhwm = 0  # no limit: ZeroMQ drops messages beyond its high-water mark, 1,000 by default
    if sockets:
        manager.transport, manager.ip = "ipc", str(sockets / f"{time.monotonic_ns()}")
    return manager
