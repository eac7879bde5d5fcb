"""What a verification found, and the verdict that follows from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from iris_lab.workflow.causes import UNRECORDED, Cause, cause_of
from iris_lab.workflow.comparison.findings import DIFFERENT, EQUIVALENT, IDENTICAL, Finding
from iris_lab.workflow.crate import Record

INTACT, UNDECIDED = "intact", "could not run"
MOST, NAMED = 1000, 5  # findings of a kind in JSON; changes that a verdict names


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
    claims
        Statements of the record that nothing here proves.
    repeated
        Number of re-runs.
    unstable
        The first place where two re-runs differ from each other; empty if none does.
    """

    run: Path
    record: Record
    integrity: list[Finding]
    environment: list[Finding]
    artifacts: list[Finding] | None = None
    problem: str = ""
    seconds: float = 0.0
    claims: Sequence[Finding] = ()
    repeated: int = 1
    unstable: str = ""

    @property
    def cause(self) -> Cause | None:
        """The cause of a difference; None if none was found."""
        if self.unstable:
            return Cause(UNRECORDED, (), self.unstable)
        return cause_of(self.record, self.integrity, self.environment, self.artifacts or ())

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

    @property
    def because(self) -> str:
        """Why the verdict is ``equivalent``: what changed in the environment; empty for another verdict."""
        if self.verdict != EQUIVALENT:
            return ""
        versions = [f for f in self.environment if f.name in self.record.software]
        code = [f"{f.name:.60}" for f in self.environment if f.name not in self.record.software]
        named = [f"{f.name} {f.difference.was} → {f.difference.now}" for f in versions if f.difference]
        parts = [("versions", named), ("code", code)]
        found = [f"other {what} than recorded ({_some(names)})" for what, names in parts if names]
        return f"under {' and '.join(found)}: install the recorded lock to prove it"

    def exit_code(self, *, exact: bool = False) -> int:
        """Return 0 for a run that verified, 1 for a different one, 2 for one that could not be executed."""
        if exact and self.verdict == EQUIVALENT:
            return 1
        return {DIFFERENT: 1, UNDECIDED: 2}.get(self.verdict, 0)

    def as_json(self) -> Mapping[str, Any]:
        """Return everything but the pictures."""
        lists = {
            "integrity": self.integrity,
            "environment": self.environment,
            "claims": self.claims,
            "artifacts": self.artifacts,
        }
        cause = self.cause
        return {
            "run": self.run.name,
            "verdict": self.verdict,
            "because": self.because,
            "problem": self.problem,
            "cause": cause and {"kind": cause.kind, "names": list(cause.names[:MOST]), "cell": cause.cell},
            "seconds": round(self.seconds, 3),
            "parameters": self.record.values,
            "files": len(self.record.artifacts),
            **{key: found and [finding.as_json() for finding in found[:MOST]] for key, found in lists.items()},
        }


def _some(names: Sequence[str]) -> str:
    more = f", and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
