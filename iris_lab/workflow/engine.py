"""The papermill engine: runs a notebook in a pinned environment and leaves nothing volatile in it.

``papermill --engine iris-lab IN OUT`` uses it through its entry point, and so does `iris-lab report`.
"""

import logging
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode, ValidationError
from nbformat.v4 import new_output
from papermill.engines import Engine, NotebookExecutionManager
from papermill.iorw import write_ipynb
from papermill.log import logger as papermill_log

from iris_lab.errors import StepError
from iris_lab.workflow.kernels import kernel_manager
from iris_lab.workflow.normalization import normalize
from iris_lab.workflow.outputs import settle
from iris_lab.workflow.scratch import scratch_folder, socket_folder
from iris_lab.workflow.warm import WarmParent

Progress = Callable[[int, int], None]  # called with the cells done and the cells in all
OUTPUT_SECONDS = 600

log = logging.getLogger(__name__)
log.addHandler(logging.NullHandler())
log.propagate = False  # our errors say what nbclient would log
# A run that is stopped or timed out leaves nbclient's tasks behind, and asyncio would print each with its traceback.
logging.getLogger("asyncio").addFilter(lambda record: "coro=<NotebookClient." not in record.getMessage())


class IrisLabEngine(Engine):  # type: ignore[misc]  # papermill has no types
    """Executes notebooks so that equal runs write equal bytes, and so that a failed run says so.

    Whatever ends a notebook before its last cell, such as a killed kernel, a time-out or ``sys.exit``, is recorded as
    an error output of the cell that was running; papermill then fails the run.
    """

    @classmethod
    def execute_notebook(
        cls,
        nb: NotebookNode,
        kernel_name: str,
        output_path: str | None = None,
        progress_bar: bool = True,
        **options: Any,
    ) -> NotebookNode:
        """Execute a notebook, strip what depends on clock and machine, and write it."""
        try:
            super().execute_notebook(nb, kernel_name, progress_bar=progress_bar and sys.stderr.isatty(), **options)
        finally:
            normalize(nb)
            if output_path:
                _clear(Path(output_path))
                write_ipynb(nb, output_path)
        return nb

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: NotebookExecutionManager,
        kernel_name: str,
        *,
        input_path: str = "notebook",
        step: str = "",
        start_timeout: int = 60,
        execution_timeout: int | None = None,
        warm_parent: WarmParent | None = None,
        environment: Mapping[str, str] | None = None,
        on_progress: Progress = lambda done, total: None,
        on_kernel: Callable[[AsyncKernelManager], None] = lambda manager: None,
        kernel_cwd: str | None = None,
        log_output: bool = False,
        stdout_file: TextIO | None = None,
        stderr_file: TextIO | None = None,
        **_others: Any,
    ) -> None:
        """Execute the cells one after another.

        Raises
        ------
        StepError
            The kernel did not start.
        """
        with scratch_folder() as scratch, socket_folder(scratch) as sockets:
            manager = None
            try:
                manager = kernel_manager(kernel_name, scratch, sockets, warm_parent, environment or {})
                client = _Client(
                    nb_man.nb,
                    km=manager,
                    timeout=execution_timeout,
                    startup_timeout=start_timeout,
                    # Outputs can arrive after the reply to their cell. One that is not received fails the run.
                    iopub_timeout=execution_timeout or OUTPUT_SECONDS,
                    raise_on_iopub_timeout=True,
                    record_timing=False,
                    log=log,
                    resources={"metadata": {"path": kernel_cwd}} if kernel_cwd else {},
                )
                client.start_new_kernel()
                on_kernel(manager)
                client.start_new_kernel_client()
            except Exception as error:  # jupyter_client passes on whatever the operating system raised
                if manager:
                    manager.context.destroy(linger=0)
                raise StepError(step or Path(input_path).stem, None, f"the kernel did not start: {error}") from error
            client.echo = _Echo(log_output, {"stdout": stdout_file, "stderr": stderr_file})
            with client.setup_kernel(cleanup_kc=True):
                _execute_cells(client, nb_man, on_progress)


def _clear(place: Path) -> None:
    """Remove a link or pipe that a cell put in the notebook's place: writing to it could alter another file or hang."""
    if place.is_symlink() or (place.exists() and not place.is_file() and not place.is_dir()):
        place.unlink()


@dataclass
class _Echo:
    """Copies each output, as soon as it is received, to papermill's log and to its files for stdout and stderr."""

    log: bool = False
    files: Mapping[str, TextIO | None] = field(default_factory=dict)

    def copy(self, output: NotebookNode) -> None:
        text = output.get("text") or output.get("data", {}).get("text/plain", "")
        if self.log and text:
            papermill_log.info(text.rstrip("\n"))
        if file := self.files.get(output.get("name", "")):
            file.write(text)
            file.flush()


class _Client(NotebookClient):
    echo = _Echo()

    def process_message(self, msg: dict[str, Any], cell: NotebookNode, cell_index: int) -> NotebookNode | None:
        output = super().process_message(msg, cell, cell_index)
        if output is not None:
            self.echo.copy(output)
        return output


def _execute_cells(client: NotebookClient, nb_man: NotebookExecutionManager, on_progress: Progress) -> None:
    cells = nb_man.nb.cells
    for index, cell in enumerate(cells):
        nb_man.cell_start(cell, index)
        failure = _execute_cell(client, cell, index)
        if failure:
            client.shutdown_kernel = "immediate"  # a busy kernel does not answer a request to shut down
            nb_man.cell_exception(cell, cell_index=index)
        nb_man.cell_complete(cell, cell_index=index)
        on_progress(index + 1, len(cells))
        if failure:
            return


def _execute_cell(client: NotebookClient, cell: NotebookNode, index: int) -> bool:
    """Execute a cell and say whether it failed; a failed cell ends with an error output."""
    try:
        try:
            client.execute_cell(cell, index)
        finally:
            if cell.cell_type == "code":
                cell.outputs = settle(cell.outputs)
    except CellTimeoutError as error:
        _add_error(cell, "CellTimeoutError", _timeout_reason(error, client))
    except ValidationError as error:
        _add_error(cell, "ValidationError", f"an output that no notebook can hold: {str(error).splitlines()[0]}")
    except DeadKernelError:
        _add_error(cell, "DeadKernelError", _cause_of_death(client))
    except CellExecutionError as error:
        errors = [output for output in cell.outputs if output.output_type == "error"]
        if not errors:
            _add_error(cell, error.ename, error.evalue)
        elif errors[-1].ename == "SystemExit":  # papermill treats sys.exit(0) as the end of the notebook
            cell.outputs.remove(errors[-1])
            _add_error(cell, "SystemExit", f"the cell ended the notebook with sys.exit({errors[-1].evalue})")
    else:
        return False
    return True


def _add_error(cell: NotebookNode, name: str, reason: str) -> None:
    cell.outputs.append(new_output("error", ename=name, evalue=reason, traceback=[f"{name}: {reason}"]))


def _timeout_reason(error: CellTimeoutError, client: NotebookClient) -> str:
    if "IOPub" in str(error):
        return f"the cell ended, but after {client.iopub_timeout} s its output had not all been received"
    return f"the cell was still running after {client.timeout} s"


def _cause_of_death(client: NotebookClient) -> str:
    process = getattr(getattr(client.km, "provisioner", None), "process", None)
    code = process.poll() if process else None
    if code is None or code >= 0:
        return "the kernel ended while the cell was running" + (f", exit code {code}" if code else "")
    hint = "; was there enough memory?" if code == -signal.SIGKILL else ""
    return f"the kernel was killed by {signal.Signals(-code).name} while the cell was running{hint}"
