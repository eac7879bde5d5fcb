"""Figures of the report: drawn alike everywhere, written to the same bytes.

Each function takes data and returns a figure that no other knows of: pyplot, and with it the backend and the state
of whoever calls, is not involved. `publish` writes a figure and returns what a notebook shows of it.
"""

from iris_lab.figures.model_figures import confidence, confusion, feature_importance, fold_scores
from iris_lab.figures.style import publish, render
from iris_lab.figures.table_figures import correlation, pairs, violins

__all__ = [
    "confidence",
    "confusion",
    "correlation",
    "feature_importance",
    "fold_scores",
    "pairs",
    "publish",
    "render",
    "violins",
]
