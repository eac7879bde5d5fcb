"""The process that kernels are forked from; `warm.WarmParent` starts it and sends it requests.

It imports the analysis stack, then answers each JSON line on stdin with one on stdout:
``{"argv": […], "cwd": …, "env": {…}}`` forks a kernel and gives its process id,
``{"call": [module, function, argument]}`` forks a process that calls the function, and gives its id,
``{"poll": pid}`` gives its exit code, negative for a signal, or null while it runs.
When its input ends, as it does when the runner is killed, it kills the remaining kernels with every process that they
started, and exits.
"""

import ctypes
import gc
import importlib
import json
import os
import select
import signal
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from iris_lab.garbage import uncollected

# What the first steps import, and what reads the data before them.
# A module that cannot be imported here fails in the notebook, where a reader sees it.
PRELOADED = (
    "ipykernel.kernelapp",
    "ipykernel.debugger",
    "IPython.core.completer",
    "iris_lab.artifacts",
    "iris_lab.evaluation",
    "iris_lab.figures",
    "iris_lab.findings",
    "iris_lab.iris",
    "iris_lab.modeling.checks",
    "iris_lab.pitfalls",
    "iris_lab.workflow.loading",
    "matplotlib.backends.backend_agg",
    "sklearn.datasets",
)
LATER = ("iris_lab.serving.launcher", "requests")  # what only the last step imports, while the first ones run

SILENCE_SECONDS = 0.1  # after a kernel was forked: the next one may be asked for
PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h


def main() -> None:
    """Import, then fork and poll until the input ends."""
    _adopt_orphans()
    later = [] if "--bare" in sys.argv else list(LATER)
    if later:
        _import(PRELOADED)
    _be_no_terminal()
    forked = False
    try:
        while line := sys.stdin.readline():
            request = json.loads(line)
            answer = _poll(request["poll"]) if "poll" in request else _fork(request)
            print(json.dumps(answer), flush=True)  # noqa: T201 (the answer to the runner)
            forked |= "argv" in request
            while forked and later and not select.select([sys.stdin], [], [], SILENCE_SECONDS)[0]:
                _import([later.pop(0)])
    finally:
        _kill_descendants()
        os._exit(0)  # an orderly shutdown of all those libraries takes longer than killing the kernels did


def _import(modules: Iterable[str]) -> None:
    with uncollected():
        for module in modules:
            with suppress(ImportError):
                importlib.import_module(module)
        gc.freeze()  # else the first collection in each kernel would copy the pages of all that is imported


def _adopt_orphans() -> None:
    """Become the parent of the kernels' orphans, even of those in another session (prctl(2), Linux 3.4)."""
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _kill_descendants() -> None:
    """Kill the kernels and every process that they started or start meanwhile."""
    while found := _descendants():
        for pid in found:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(-1, 0)


def _descendants() -> list[int]:
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, parent = path.read_text(errors="replace").rpartition(")")[2].split()[:2]
            if state != "Z" or int(parent) == os.getpid():
                parents[int(path.parent.name)] = int(parent)
    found = [os.getpid()]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found[1:]


def _be_no_terminal() -> None:
    """Set pandas's column limit to that of a kernel: at import it took this process for a terminal."""
    if pandas := sys.modules.get("pandas"):
        pandas.set_option("display.max_columns", 20)


def _poll(pid: int) -> int | None:
    done, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if done else None


def _fork(request: dict[str, Any]) -> int:
    pid = os.fork()
    if pid == 0:
        _run(request)
    with suppress(PermissionError, ProcessLookupError):  # set here too, so that it holds before we answer
        os.setpgid(pid, pid)
    return pid


def _run(request: dict[str, Any]) -> NoReturn:
    """Do in this process what was asked for, and end it."""
    code = 1
    try:
        with suppress(PermissionError):
            os.setpgid(0, 0)
        silence = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(silence, stream)
        if "call" in request:
            module, function, given = request["call"]
            getattr(importlib.import_module(module), function)(given)
        else:
            _be_a_kernel(**request)
        code = 0
    except SystemExit as ending:
        code = ending.code if isinstance(ending.code, int) else int(ending.code is not None)
    finally:
        import atexit

        atexit._run_exitfuncs()
        os._exit(code)


def _be_a_kernel(argv: list[str], cwd: str, env: dict[str, str]) -> None:
    """Turn this process into the kernel that ``python -m`` with ``argv`` would have started."""
    os.chdir(cwd)
    os.environ.update(env, JPY_PARENT_PID=str(os.getppid()))
    sys.argv = argv
    from iris_lab.workflow.kernel_app import KernelApp

    KernelApp.ends_at_once = True
    # ipykernel read JPY_PARENT_PID when the parent imported it, so pass the new parent's pid explicitly.
    KernelApp.launch_instance([*argv[1:], f"--IPKernelApp.parent_handle={os.getppid()}"])


if __name__ == "__main__":
    main()
