"""What a verification found, and the verdict that follows from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from iris_lab.workflow.comparison.findings import DIFFERENT, EQUIVALENT, IDENTICAL, Finding
from iris_lab.workflow.crate import Record

INTACT, UNDECIDED = "intact", "could not run"


@dataclass(frozen=True)
class Verification:
    """What was found about a run.

    Attributes
    ----------
    run
        Its folder.
    record
        Its record.
    integrity
        Files that are not what the record says.
    environment
        Versions, notebooks and modules that differ from the record.
    artifacts
        Each artifact compared with that of the re-run; None if nothing was executed.
    problem
        Why the re-run failed or did not start; else empty.
    seconds
        Time that the verification took.
    """

    run: Path
    record: Record
    integrity: list[Finding]
    environment: list[Finding]
    artifacts: list[Finding] | None = None
    problem: str = ""
    seconds: float = 0.0

    @property
    def verdict(self) -> str:
        """``identical``, ``equivalent``, ``different``, ``intact`` (only checked), or ``could not run``."""
        verdicts = {finding.verdict for finding in self.artifacts or ()}
        if self.integrity or DIFFERENT in verdicts:
            return DIFFERENT
        if self.problem:
            return UNDECIDED
        if self.artifacts is None:
            return INTACT
        return EQUIVALENT if EQUIVALENT in verdicts else IDENTICAL

    def exit_code(self, *, exact: bool = False) -> int:
        """Return 0 for a run that verified, 1 for a different one, 2 for one that could not be executed."""
        if exact and self.verdict == EQUIVALENT:
            return 1
        return {DIFFERENT: 1, UNDECIDED: 2}.get(self.verdict, 0)

    def as_json(self) -> Mapping[str, Any]:
        """Return everything but the pictures."""
        lists = {"integrity": self.integrity, "environment": self.environment, "artifacts": self.artifacts}
        return {
            "run": self.run.name,
            "verdict": self.verdict,
            "problem": self.problem,
            "seconds": round(self.seconds, 3),
            "parameters": self.record.values,
            "files": len(self.record.artifacts),
            **{key: found and [finding.as_json() for finding in found] for key, found in lists.items()},
        }
