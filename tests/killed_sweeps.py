"""Sweeps that are killed at random instants and started again, until they have done all: for a test and a benchmark."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from iris_lab.workflow.crate import CRATE_FILE, artifacts_of, digest_of
from iris_lab.workflow.sweeps.journal import HIDDEN

NOTEBOOKS = Path(__file__).parent / "notebooks"
TINY = [NOTEBOOKS / "no_parameters.ipynb", NOTEBOOKS / "notes.ipynb"]
WORKERS, ENDED_SECONDS = 2, 20
SCRIPT = """
import sys, json
from pathlib import Path
from iris_lab.progress import ShownRuns
from iris_lab.workflow.steps import Step
from iris_lab.workflow.sweep import run_sweep, runs_of
from iris_lab.workflow.sweeps.jobs import Job
folder, choices, scheduler, jobs, *notebooks = sys.argv[1:]
job = Job(runs_of(json.loads(choices)), Path(folder), steps=[Step(Path(path)) for path in notebooks],
          jobs=int(jobs), scheduler=scheduler)
sys.exit(any(outcome.error for outcome in run_sweep(job, ShownRuns(lambda text: None))))
"""


@dataclass
class Killing:
    """What was done to a sweep, and how often its runs were executed.

    Attributes
    ----------
    kills
        Of the process of the sweep, of a worker, and Ctrl-C, by name.
    again
        Executions that were done again, and how many were allowed: one for each worker and kill.
    """

    kills: dict[str, int] = field(default_factory=dict)
    again: list[tuple[int, int]] = field(default_factory=list)


class Sweep:
    """A command whose notebook notes each of its executions in a file outside of the run."""

    def __init__(self, folder: Path, runs: int, *, scheduler: str = "", notebooks: Sequence[Path] = TINY) -> None:
        self.folder, self.runs, self.log = folder, runs, folder.with_name("executions.log")
        self._choices = {"seed": list(range(runs)), "log": [str(self.log)]}
        self._scheduler, self._notebooks = scheduler, notebooks

    def start(self, folder: Path | None = None) -> subprocess.Popen[bytes]:
        """Start the command, in a process group of its own."""
        facts = [str(folder or self.folder), json.dumps(self._choices), self._scheduler, str(WORKERS)]
        command = [sys.executable, "-c", SCRIPT, *facts, *map(str, self._notebooks)]
        silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        return subprocess.Popen(command, start_new_session=True, **silent)  # type: ignore[call-overload]  # both of them

    def uninterrupted(self) -> tuple[dict[str, str], float]:
        """Return the digests of a sweep that nobody kills, and the seconds that it takes."""
        folder, started = self.folder.with_name("uninterrupted"), time.monotonic()
        assert self.start(folder).wait() == 0
        self.log.unlink()
        return digests(folder), time.monotonic() - started


def digests(folder: Path) -> dict[str, str]:
    """Return the digest of every file of a sweep but its journal and what else is hidden."""
    found = {name: digest for name, digest in artifacts_of(folder).items() if not name.startswith(HIDDEN)}
    return found | {f"{path.parent.name} record": digest_of(path) for path in folder.glob(f"*/{CRATE_FILE}")}


def kill_at_random(sweep: Sweep, kills: int, dice: random.Random) -> Killing:
    """Kill a sweep at random instants and start it again; each time that it is done, compare it, and begin anew.

    Raises
    ------
    AssertionError
        It is not as one that nobody killed, more was done again than may be, or processes were left.
    """
    wanted, seconds = sweep.uninterrupted()
    found, since = Killing(), 0
    while sum(found.kills.values()) < kills or since:
        process = sweep.start()
        way = dice.choice(["parent", "worker", "Ctrl-C"])
        try:
            enough = sum(found.kills.values()) >= kills
            code = process.wait(None if enough else dice.uniform(0, seconds))
            assert code == 0, f"a sweep that nobody killed ended with {code}"
        except subprocess.TimeoutExpired:
            found.kills[way] = found.kills.get(way, 0) + 1
            since += 1
            code = _kill(process, way)
        if code == 0:
            assert digests(sweep.folder) == wanted
            found.again.append((len(sweep.log.read_text().split()) - sweep.runs, WORKERS * since))
            assert found.again[-1][0] <= found.again[-1][1], found
            shutil.rmtree(sweep.folder)
            sweep.log.unlink()
            since = 0
    return found


def _kill(process: subprocess.Popen[bytes], way: str) -> int | None:
    """Kill a sweep, or one of its workers; then it goes on by itself, and its exit code is returned."""
    whole = psutil.Process(process.pid).children(recursive=True)
    if way == "worker":
        if workers := [child for child in whole if child.ppid() == process.pid and "loky" in " ".join(child.cmdline())]:
            os.kill(random.choice(workers).pid, signal.SIGKILL)
        return process.wait()
    if way == "parent":
        process.kill()
    else:
        os.killpg(process.pid, signal.SIGINT)
    code = process.wait()
    left = psutil.wait_procs(whole, timeout=ENDED_SECONDS)[1]
    assert not left, f"{way}: processes were left: {left}"
    return code if code > 0 or way == "parent" else None
