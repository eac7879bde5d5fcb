"""IPython's kernel, changed so that it drops no message: ``python -P -m iris_lab.workflow.kernel_app -f FILE``."""

from typing import Any

from ipykernel.kernelapp import IPKernelApp


class KernelApp(IPKernelApp):
    """A kernel that keeps every message until it is read."""

    def init_iopub(self, context: Any) -> None:
        """Open the socket of the outputs without ZeroMQ's high-water mark: beyond 1,000 messages it drops new ones."""
        context.sndhwm = 0
        super().init_iopub(context)  # type: ignore[no-untyped-call]  # ipykernel has no types


if __name__ == "__main__":
    KernelApp.launch_instance()
