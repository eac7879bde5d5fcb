"""What an earlier run's steps wrote, taken for a new run in which only some of its steps are executed."""

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from iris_lab.by_step import BY_STEP, as_json
from iris_lab.workflow.crate import Record, digest_of, read_crate
from iris_lab.workflow.done import Done, written_later
from iris_lab.workflow.freshness import Freshness
from iris_lab.workflow.layout import CRATE_FILE
from iris_lab.workflow.performing import Performed
from iris_lab.workflow.plans import Plan


def write_timings(path: Path, run: Path, performed: Mapping[str, Performed]) -> None:
    """Write, beside a run, the seconds of each step, and what each added to the files that all of them add to."""
    seconds = {name: step.seconds for name, step in performed.items()}
    known = {
        "seconds": {**seconds, "total": round(sum(seconds.values()), 3)},
        "record": digest_of(run / CRATE_FILE),
        "added": {name: step.added for name, step in performed.items()},
    }
    with suppress(OSError):  # the run is published; without timings it has not failed
        path.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")


def steps_to_take(run: Path, timings: Path, fresh: Freshness, plan: Plan) -> dict[str, Done]:
    """Return what the steps wrote that need not be executed; empty where that is not known to the last byte.

    Parameters
    ----------
    run, timings
        The earlier run, and the file beside it.
    fresh
        What has changed since.
    plan
        The new run's.
    """
    try:
        known = json.loads(timings.read_text(encoding="utf-8"))
        if not known["record"] == fresh.record == digest_of(run / CRATE_FILE):
            return {}  # another run was published meanwhile
        record = read_crate(run)
        if record.data != plan.data:
            return {}
        return {
            step.name: _taken(run, step.name, record, known["added"][step.name])
            for step in plan.steps
            if step.name not in fresh.reasons
        }
    except (OSError, ValueError, LookupError, TypeError):
        return {}


def _taken(run: Path, step: str, record: Record, added: Mapping[str, Any]) -> Done:
    """Return what a step wrote; of a file that a later step wrote, too, nothing is left of the step's own.

    Raises
    ------
    LookupError
        A later step wrote the same file.
    """
    in_order = {name: record.results[name] for name in record.parameters}
    if overwritten := (written_later(step, in_order) - set(BY_STEP)) & set(record.results[step]):
        raise LookupError(f"{min(overwritten)} is not as {step} wrote it")
    done = Done.taken(run, record.results[step], record.unstable.get(step, ()))
    return Done({**done.files, **{name: as_json(content) for name, content in added.items()}}, done.unstable)
