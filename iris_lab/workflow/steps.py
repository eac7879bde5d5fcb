"""The steps of a run, in order. Adding a notebook to the report is one line here."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from iris_lab.place import NOTEBOOKS

Progress = Callable[[str, int, int], None]  # called with the step, its cells done, its cells in all


@dataclass(frozen=True)
class Step:
    """A notebook, and the steps whose artifacts it reads.

    Attributes
    ----------
    notebook
        Path of the ``.ipynb`` file.
    needs
        Names of earlier steps.
    """

    notebook: Path
    needs: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Name of the notebook without its suffix."""
        return self.notebook.stem


STEPS: Sequence[Step] = (
    Step(NOTEBOOKS / "01_eda.ipynb"),
    Step(NOTEBOOKS / "02_train.ipynb"),
    Step(NOTEBOOKS / "03_evaluate.ipynb", needs=("02_train",)),
)
