"""Reads a model's pickle without letting it call arbitrary functions.

A pickle is a small program: it names functions and calls them. Here it can name the classes of the available models
and nothing else, and it can do with them what `joblib.dump` needs: make an object, and set its attributes. Compiled
objects (a decision tree, a dtype) don't check their contents themselves, so that is done here. This leaves a stranger's
file little to attack. It is no sandbox: scikit-learn and NumPy still compute with its numbers.
"""

import math
import pickle
import re
from importlib import import_module
from io import BytesIO
from typing import Any, NoReturn

import numpy as np
from joblib.numpy_pickle import NumpyArrayWrapper, NumpyUnpickler

from iris_lab.modeling.compiled import MAKERS, LeftOut, Maker, RefusedError, check_texts, check_tree, known_dtypes, need

PLAIN = frozenset(
    {
        ("iris_lab.modeling.boosting", "Boosting"),
        ("iris_lab.modeling.preparation", "DateParts"),
        ("iris_lab.modeling.preparation", "Months"),
        ("iris_lab.modeling.preparation", "Unchanged"),
        ("joblib.numpy_pickle", "NumpyArrayWrapper"),
        ("sklearn.calibration", "CalibratedClassifierCV"),
        ("sklearn.calibration", "_CalibratedClassifier"),
        ("sklearn.calibration", "_SigmoidCalibration"),
        ("sklearn.compose._column_transformer", "ColumnTransformer"),
        ("sklearn.discriminant_analysis", "LinearDiscriminantAnalysis"),
        ("sklearn.ensemble._forest", "RandomForestClassifier"),
        ("sklearn.impute._base", "MissingIndicator"),
        ("sklearn.impute._base", "SimpleImputer"),
        ("sklearn.linear_model._logistic", "LogisticRegression"),
        ("sklearn.neighbors._classification", "KNeighborsClassifier"),
        ("sklearn.pipeline", "Pipeline"),
        ("sklearn.preprocessing._data", "StandardScaler"),
        ("sklearn.preprocessing._encoders", "OneHotEncoder"),
        ("sklearn.preprocessing._encoders", "OrdinalEncoder"),
        ("sklearn.svm._classes", "SVC"),
        ("sklearn.tree._classes", "DecisionTreeClassifier"),
    }
)
"""Module and name of the classes whose objects are nothing but a dictionary of attributes."""


FLOAT64 = ("numpy", "float64")  # encoders hold the type of what they return
VERSION = re.compile(r"[\w.+-]{1,40}", re.ASCII)  # scikit-learn prints it in a warning


class ModelUnpickler(NumpyUnpickler):  # type: ignore[misc]  # joblib has no types
    """joblib's unpickler, with the names and the instructions of our model files and no others."""

    def __init__(self, file: BytesIO) -> None:
        super().__init__("", file, ensure_native_byte_order=True)

    def find_class(self, module: str, name: str) -> object:
        """Return the class or the maker of that name.

        Raises
        ------
        RefusedError
            It is not one that our models need.
        """
        if (module, name) in MAKERS:
            return MAKERS[module, name]
        if (module, name) == FLOAT64:
            return np.float64
        if (module, name) in PLAIN:
            return getattr(import_module(module), name)
        asked = ascii(f"{module}.{name}"[:80])[1:-1]
        raise RefusedError(f"asks for {asked}, expected only the parts of the available models")

    def refuse(self) -> NoReturn:
        """Refuse an instruction that `joblib.dump` does not write for our models."""
        raise RefusedError("uses a pickle instruction that our model files don't need")

    def load_newobj(self) -> None:
        """Make an object without attributes."""
        arguments, cls = self.stack.pop(), self.stack.pop()
        fits = isinstance(cls, type) and type(arguments) is tuple and not arguments
        need(fits, "holds an object that is made with arguments")
        self.append(cls.__new__(cls))

    def load_reduce(self) -> None:
        """Call a maker."""
        arguments, maker = self.stack.pop(), self.stack.pop()
        need(isinstance(maker, Maker) and type(arguments) is tuple, "calls something that is not a function")
        self.append(maker.make(*arguments))

    def load_append(self) -> None:
        """Append a value to a list."""
        value = self.stack.pop()
        need(type(self.stack[-1]) is list, "appends to something that is not a list")
        self.stack[-1].append(value)

    def load_appends(self) -> None:
        """Append several values to a list."""
        values = self.pop_mark()
        need(type(self.stack[-1]) is list, "appends to something that is not a list")
        self.stack[-1].extend(values)

    def load_setitem(self) -> None:
        """Put one item into a dictionary."""
        value, key = self.stack.pop(), self.stack.pop()
        self._put([key], [value])

    def load_setitems(self) -> None:
        """Put several items into a dictionary."""
        items = self.pop_mark()
        self._put(items[::2], items[1::2])

    def _put(self, keys: list[Any], values: list[Any]) -> None:
        # The hash of a deep tuple would overflow the stack.
        fits = type(self.stack[-1]) is dict and all(type(key) in (str, int) for key in keys)
        need(fits, "holds attributes that are not a dictionary of names")
        self.stack[-1].update(zip(keys, values, strict=True))

    def load_build(self) -> None:
        """Set the attributes of the last object, or the content of the last array."""
        made, state = self.stack[-2], self.stack[-1]
        if type(made) is LeftOut:
            self.stack.pop()
            return
        if isinstance(made, np.dtype):
            # Only with its own state: objects declared as numbers would be pointers from the file.
            fits = any(made.__reduce__()[1][0] == spec and state == known for spec, known in known_dtypes())
            need(fits, "holds an array of another type than our models have")
        elif isinstance(made, np.ndarray):
            check_texts(state)
        elif type(made).__name__ == "Tree":
            check_tree(state, made.n_features)
        else:
            need(is_plain(made) and type(state) is dict, "sets attributes of an object that has none")
            version = state.get("_sklearn_version", "1")
            need(type(version) is str and VERSION.fullmatch(version), "holds an invalid version")
        if type(made) is NumpyArrayWrapper:
            self._read_array(self.stack.pop())
        else:
            super().load_build()

    def _read_array(self, state: dict[str, Any]) -> None:
        shape, dtype, order = state["shape"], state["dtype"], state["order"]
        fits = type(shape) is tuple and all(type(length) is int and length >= 0 for length in shape)
        need(fits and isinstance(dtype, np.dtype) and order in ("C", "F"), "holds an array without a shape or a type")
        if dtype.hasobject:  # its content is a pickle of its own, which joblib would read with another unpickler
            array = type(self)(self.file_handle).load()
            need(type(array) is np.ndarray and array.dtype.hasobject, "holds an invalid array")
        else:
            left = len(self.file_handle.getbuffer()) - self.file_handle.tell()
            need(math.prod(shape) * dtype.itemsize <= left, "holds an array larger than the file")
            array = NumpyArrayWrapper(np.ndarray, shape, order, dtype).read(self, self.ensure_native_byte_order)
        self.stack[-1] = array

    # The instructions that joblib.dump writes; a new one fails a test.
    dispatch = dict.fromkeys(range(256), refuse) | {
        opcode[0]: NumpyUnpickler.dispatch[opcode[0]]
        for opcode in (
            pickle.PROTO, pickle.FRAME, pickle.STOP, pickle.MARK, pickle.MEMOIZE, pickle.BINGET, pickle.LONG_BINGET,
            pickle.STACK_GLOBAL, pickle.NONE, pickle.NEWTRUE, pickle.NEWFALSE, pickle.BININT, pickle.BININT1,
            pickle.BININT2, pickle.LONG1, pickle.BINFLOAT, pickle.SHORT_BINUNICODE, pickle.BINUNICODE,
            pickle.SHORT_BINBYTES, pickle.EMPTY_TUPLE, pickle.TUPLE, pickle.TUPLE1, pickle.TUPLE2, pickle.TUPLE3,
            pickle.EMPTY_LIST, pickle.EMPTY_DICT,
        )
    } | {
        pickle.NEWOBJ[0]: load_newobj, pickle.REDUCE[0]: load_reduce, pickle.BUILD[0]: load_build,
        pickle.APPEND[0]: load_append, pickle.APPENDS[0]: load_appends,
        pickle.SETITEM[0]: load_setitem, pickle.SETITEMS[0]: load_setitems,
    }  # fmt: skip


def is_plain(value: object) -> bool:
    """Say whether a value is an object of one of the `PLAIN` classes."""
    return (type(value).__module__, type(value).__qualname__) in PLAIN


def read_pickle(content: bytes) -> object:
    """Return the object in an uncompressed file that `joblib.dump` wrote of an available model.

    Raises
    ------
    RefusedError
        It asks for anything that those models do not need. A damaged file can raise anything else.
    """
    need(content.startswith(pickle.PROTO), "is not an uncompressed pickle")  # a compressed one could fill any memory
    return ModelUnpickler(BytesIO(content)).load()
