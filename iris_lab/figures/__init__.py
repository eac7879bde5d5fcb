"""Figures of the report: drawn alike everywhere, written to the same bytes.

Each function takes data and returns a figure that no other knows of: pyplot, and with it the backend and the state
of whoever calls, is not involved. `publish` writes a figure and returns what a notebook shows of it.
"""

from iris_lab.figures.explore import correlation, pairs, violins
from iris_lab.figures.house import publish, render
from iris_lab.figures.judge import confidence, confusion, fold_scores, weights

__all__ = ["confidence", "confusion", "correlation", "fold_scores", "pairs", "publish", "render", "violins", "weights"]
