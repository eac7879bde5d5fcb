"""Names of a package that are imported when somebody asks for them: reading a command line needs few of them."""

from collections.abc import Callable
from importlib import import_module
from typing import Any


def names_in(package: str, **modules: str) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of a package (PEP 562) whose names are in its modules.

    Parameters
    ----------
    package
        Its name.
    modules
        The names in each module, with spaces between them.

    Examples
    --------
    >>> names_in("iris_lab", place="HOME reports")("reports").__name__
    'reports'
    """
    homes = {name: module for module, names in modules.items() for name in names.split()}

    def find(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{homes[name]}"), name)

    return find
