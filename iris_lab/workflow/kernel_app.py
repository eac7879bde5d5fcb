"""IPython's kernel, without dropped messages and names that change: ``python -P -m iris_lab.workflow.kernel_app``."""

import sys
from typing import Any

from ipykernel.compiler import XCachingCompiler
from ipykernel.kernelapp import IPKernelApp


class LastingNames(XCachingCompiler):
    """Names a cell's code by its count, because warnings show the name; ipykernel's contains the process number."""

    def get_code_name(self, raw_code: str, code: str, number: int) -> str:
        """Return the name of a cell's code."""
        return f"In[{number}]"


class _Streams:
    """The kernel's standard streams, as they were before the first cell."""

    def __init__(self) -> None:
        self._streams = {"stdout": sys.stdout, "stderr": sys.stderr}

    def restore(self, _result: object) -> None:
        """Put back a stream that a cell replaced by what is none: the kernel would fail to flush it, and not answer."""
        for name, stream in self._streams.items():
            try:
                getattr(sys, name).flush()
            except Exception:  # a cell can put anything there
                setattr(sys, name, stream)


class KernelApp(IPKernelApp):
    """A kernel that keeps every message until it is read.

    Attributes
    ----------
    ends_at_once
        Whether its process ends without closing its sockets first: who forked it has read all, and ipykernel waits up
        to three seconds for a thread that still sends to a reader that is gone.
    """

    ends_at_once = False

    def close(self) -> None:
        """Close the sockets, unless the end of the process does."""
        if not self.ends_at_once:
            super().close()  # type: ignore[no-untyped-call]  # ipykernel has no types

    def init_iopub(self, context: Any) -> None:
        """Open the socket of the outputs without ZeroMQ's high-water mark: beyond 1,000 messages it drops new ones."""
        context.sndhwm = 0
        super().init_iopub(context)  # type: ignore[no-untyped-call]  # ipykernel has no types

    def init_shell(self) -> None:
        """Set how cells are named, before the first one is executed."""
        super().init_shell()  # type: ignore[no-untyped-call]  # ipykernel has no types
        if self.shell:
            self.shell.compile = LastingNames()  # type: ignore[no-untyped-call]  # ipykernel has no types
            self.shell.events.register("post_run_cell", _Streams().restore)


if __name__ == "__main__":
    KernelApp.launch_instance()
