"""Figures of the report: drawn alike everywhere, written to the same bytes.

Each function takes data and returns a figure without pyplot, so that the backend and the caller's settings don't
matter. `publish` writes a figure and returns the image that a notebook shows.
"""

from iris_lab.figures.curve_figures import reliability, threshold_curves
from iris_lab.figures.kind_figures import gaps, levels
from iris_lab.figures.model_figures import confidence, confusion, feature_importance, fold_scores
from iris_lab.figures.style import publish, render
from iris_lab.figures.table_figures import correlation, pairs, violins

__all__ = [
    "confidence",
    "confusion",
    "correlation",
    "feature_importance",
    "fold_scores",
    "gaps",
    "levels",
    "pairs",
    "publish",
    "reliability",
    "render",
    "threshold_curves",
    "violins",
]
