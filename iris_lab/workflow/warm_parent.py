"""The process that kernels are forked from; `kernels.WarmParent` starts it and speaks with it.

It imports the analysis stack, then answers one JSON line on stdin with one on stdout:
``{"argv": […], "cwd": …, "env": {…}}`` forks a kernel and gives its process id,
``{"poll": pid}`` gives its exit code, negative for a signal, or null while it runs.
At the end of its input, so also when the runner is killed, it kills the kernels that are left and ends.
"""

import importlib
import json
import os
import signal
import sys
from contextlib import suppress
from typing import Any, NoReturn

# What the steps import. A module that cannot be imported here fails in the notebook, where a reader sees it.
PRELOADED = (
    "ipykernel.kernelapp",
    "IPython.core.completer",
    "iris_lab.artifacts",
    "iris_lab.evaluation",
    "iris_lab.figures",
    "iris_lab.serving.launcher",
    "requests",
)


def main() -> None:
    """Import, then fork and poll until the input ends."""
    for module in PRELOADED:
        with suppress(ImportError):
            importlib.import_module(module)
    _be_no_terminal()
    running: set[int] = set()
    for line in sys.stdin:
        request = json.loads(line)
        if "poll" in request:
            answer = _poll(request["poll"], running)
        else:
            running.add(answer := _fork(request))
        print(json.dumps(answer), flush=True)  # noqa: T201 (the answer to the runner)
    for pid in running:
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)


def _be_no_terminal() -> None:
    """Undo the one thing that a module decides at import by whether it is in a kernel: pandas, how wide a table is."""
    if pandas := sys.modules.get("pandas"):
        pandas.set_option("display.max_columns", 20)


def _poll(pid: int, running: set[int]) -> int | None:
    done, status = os.waitpid(pid, os.WNOHANG)
    if done:
        running.discard(pid)
        return os.waitstatus_to_exitcode(status)
    return None


def _fork(request: dict[str, Any]) -> int:
    pid = os.fork()
    if pid == 0:
        _run_kernel(**request)
    with suppress(PermissionError, ProcessLookupError):  # set here too, so that it holds before we answer
        os.setpgid(pid, pid)
    return pid


def _run_kernel(argv: list[str], cwd: str, env: dict[str, str]) -> NoReturn:
    """Be the kernel that ``argv`` would have started as a program of its own."""
    code = 1
    try:
        with suppress(PermissionError):
            os.setpgid(0, 0)
        silence = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(silence, stream)
        os.chdir(cwd)
        os.environ.update(env, JPY_PARENT_PID=str(os.getppid()))
        sys.argv = argv
        from ipykernel.kernelapp import IPKernelApp as Base

        class IPKernelApp(Base):
            def init_iopub(self, context):
                context.sndhwm = 0
                super().init_iopub(context)

        # ipykernel read JPY_PARENT_PID when the parent imported it, so pass the new parent's pid explicitly.
        IPKernelApp.launch_instance([*argv[1:], f"--IPKernelApp.parent_handle={os.getppid()}"])
        code = 0
    except SystemExit as ending:
        code = ending.code if isinstance(ending.code, int) else int(ending.code is not None)
    finally:
        import atexit

        atexit._run_exitfuncs()
        os._exit(code)


if __name__ == "__main__":
    main()
