"""The compiled objects in a model file: decision trees, search trees and NumPy's arrays.

Compiled code trusts what a pickle says about its memory. So these objects are made here, after a check of the contents.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np


class RefusedError(Exception):
    """A model file is refused; the message continues "it was not loaded: it"."""


class LeftOut:
    """Placeholder for a compiled object that is built again from the samples after loading."""


@dataclass(frozen=True)
class Maker:
    """Replaces the constructor of a compiled object in a pickle, and checks the arguments."""

    make: Callable[..., object]


def need(holds: object, otherwise: str) -> None:
    """Raise `RefusedError` with the message `otherwise` unless it holds."""
    if not holds:
        raise RefusedError(otherwise)


def _dtype(spec: object, align: object, copy: object) -> np.dtype[Any]:
    known = type(spec) is str and spec in {state_spec for state_spec, _ in known_dtypes()}
    need(known and align is False and copy is True, "holds an array of another type than our models have")
    return np.dtype(str(spec), copy=True)


def _scalar(dtype: object, data: object) -> object:
    fits = isinstance(dtype, np.dtype) and dtype.kind in "biuf" and type(data) is bytes and len(data) == dtype.itemsize
    need(fits, "holds an invalid number")
    return np.frombuffer(data, dtype)[0]  # type: ignore[call-overload]  # both were checked


def _object_array(*_: object) -> object:
    return np.empty(0, "b")  # as NumPy does; its content follows


def _tree(n_features: object, n_classes: object, n_outputs: object) -> object:
    from sklearn.tree._tree import Tree

    fits = isinstance(n_classes, np.ndarray) and n_classes.shape == (1,) and n_outputs == 1
    need(fits, "holds a decision tree of several targets")
    return Tree(n_features, n_classes, n_outputs)


def _slice(*bounds: object) -> slice:
    fits = len(bounds) == 3 and all(bound is None or type(bound) is int for bound in bounds)
    need(fits, "holds an invalid slice")
    return slice(*bounds)


MAKERS: Mapping[tuple[str, str], Maker] = {
    ("builtins", "slice"): Maker(_slice),
    ("numpy", "dtype"): Maker(_dtype),
    ("numpy", "ndarray"): Maker(_object_array),
    ("numpy._core.multiarray", "_reconstruct"): Maker(_object_array),
    ("numpy._core.multiarray", "scalar"): Maker(_scalar),
    ("sklearn.tree._tree", "Tree"): Maker(_tree),
} | dict.fromkeys(
    [
        ("sklearn.metrics._dist_metrics", "EuclideanDistance64"),
        ("sklearn.metrics._dist_metrics", "newObj"),
        ("sklearn.neighbors._kd_tree", "KDTree"),
        ("sklearn.neighbors._kd_tree", "newObj"),
    ],
    Maker(lambda *_: LeftOut()),
)
"""The makers, by module and name in the pickle."""


@cache
def known_dtypes() -> list[tuple[str, object]]:
    """Return the array types that our models have, each as its name and its state in a pickle."""
    from sklearn.ensemble._hist_gradient_boosting.common import PREDICTOR_RECORD_DTYPE
    from sklearn.neighbors import KDTree
    from sklearn.tree._tree import NODE_DTYPE

    compiled = [np.dtype(NODE_DTYPE), KDTree([[0.0]]).__getstate__()[2].dtype, PREDICTOR_RECORD_DTYPE]
    numbers = [np.dtype(order + name) for name in ("f8", "i8", "i4", "u4") for order in "<>"]
    reduced = [dtype.__reduce__() for dtype in (*numbers, np.dtype("u1"), np.dtype("?"), np.dtype("O"), *compiled)]
    return [(made[0], state) for _, made, state in reduced]


def check_texts(state: Any) -> None:
    """Refuse an array of objects unless it is a row of texts; NumPy reads past the end of a list too short."""
    need(type(state) is tuple and len(state) == 5, "holds an invalid array")
    version, shape, dtype, _, texts = state
    fits = version == 1 and isinstance(dtype, np.dtype) and dtype.kind == "O" and type(texts) is list
    need(
        fits and shape == (len(texts),) and all(type(text) is str for text in texts),
        "holds an array of objects other than texts",
    )


def check_tree(state: Any, features: int) -> None:
    """Refuse a decision tree with links out of its arrays or in a circle: scikit-learn follows them without a check."""
    need(
        type(state) is dict and state.keys() == {"max_depth", "node_count", "nodes", "values"},
        "holds an incomplete tree",
    )
    nodes, values, count = state["nodes"], state["values"], state["node_count"]
    need(all(type(array) is np.ndarray for array in (nodes, values)) and len(nodes) == count > 0, "holds an empty tree")
    need(nodes.dtype.names and values.dtype == float and np.isfinite(values).all(), "holds a tree without numbers")
    left, right = nodes["left_child"], nodes["right_child"]
    inner = left != -1
    own = np.flatnonzero(inner)
    need((right[~inner] == -1).all(), "holds a tree with half a fork")
    for child in (left[inner], right[inner]):
        need(((child > own) & (child < count)).all(), "holds a tree with invalid links")
    tested = nodes["feature"][inner]
    need(((tested >= 0) & (tested < features)).all(), "holds a tree with an unknown feature")
    need(np.isfinite(nodes["threshold"]).all(), "holds a tree with an invalid threshold")


def check_boosting(model: Any, features: int) -> None:
    """Refuse boosted trees with links out of their arrays or in a circle: scikit-learn follows them without a check."""
    parts = [model.nodes_, model.node_counts_, model.bitsets_, model.bitset_counts_, model.known_, model.places_]
    need(all(type(array) is np.ndarray for array in (*parts, model.baseline_)), "holds boosted trees without arrays")
    nodes, counts, bitsets, bitset_counts, known, places = parts
    shapes = [array.ndim for array in parts] == [1, 1, 2, 1, 2, 1] and model.baseline_.ndim == 1
    kinds = [array.dtype.kind for array in (counts, bitset_counts, bitsets, known, places)] == [*"iiuuu"]
    need(
        shapes and kinds and nodes.dtype.names and model.baseline_.dtype == float, "holds boosted trees of other types"
    )
    need(bitsets.shape[1] == known.shape[1] == 8 and {bitsets.itemsize, known.itemsize, places.itemsize} == {4},
         "holds sets of levels of another size")  # fmt: skip
    fits = len(counts) == len(bitset_counts) > 0 and counts.min() > 0 <= bitset_counts.min()
    need(fits and counts.sum() == len(nodes) and bitset_counts.sum() == len(bitsets), "holds incomplete boosted trees")
    need(type(model.empty_) is np.ndarray and model.empty_.shape == places.shape and model.empty_.dtype == bool,
         "has boosted trees for other features")  # fmt: skip
    need(len(places) == features and (places < max(1, len(known))).all(), "has boosted trees for other features")
    own = np.arange(len(nodes)) - np.repeat(np.cumsum(counts) - counts, counts)
    inner, size = nodes["is_leaf"] == 0, np.repeat(counts, counts)
    for child in (nodes["left"][inner], nodes["right"][inner]):
        need(((child > own[inner]) & (child < size[inner])).all(), "holds a boosted tree with invalid links")
    tested, levels = nodes["feature_idx"][inner], nodes["is_categorical"][inner] != 0
    need(((tested >= 0) & (tested < features)).all(), "holds a boosted tree with an unknown feature")
    sets = np.repeat(bitset_counts, counts)[inner]
    need((nodes["bitset_idx"][inner][levels] < sets[levels]).all() and (len(known) or not levels.any()),
         "holds a boosted tree with unknown levels")  # fmt: skip
