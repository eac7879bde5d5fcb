"""A run that a worker of a sweep is to execute, and what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from iris_lab.workflow.parameters import Value
    from iris_lab.workflow.plans import Plan

PATIENCE = 20  # seconds in which a worker of a sweep that was killed has ended


@dataclass(frozen=True)
class Task:
    """A run to execute.

    Attributes
    ----------
    run
        Name of its folder.
    plan
        A plan with the same data, one for all runs that share them.
    values
        All parameters of this run.
    timeout
        Seconds that one cell may take; None for no limit.
    """

    run: str
    plan: "Plan"
    values: "Mapping[str, Value]"
    timeout: int | None = None

    @property
    def own_plan(self) -> "Plan":
        """The plan of this run."""
        return replace(self.plan, values=self.values)


@dataclass(frozen=True)
class Result:
    """A run that was executed: its numbers, or why it failed; and its files, if they are not where it was planned."""

    run: str
    metrics: Mapping[str, float] = field(default_factory=dict)
    error: str = ""
    files: Mapping[str, bytes] | None = None
