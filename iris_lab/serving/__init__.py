"""The prediction endpoint: a Flask application, launched from a notebook cell or from the shell."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from iris_lab.serving.app import create_app
    from iris_lab.serving.launcher import Server, launch
    from iris_lab.serving.servers.granian import serve

__all__ = ["Server", "create_app", "launch", "serve"]
_HOMES = {"create_app": "app", "launch": "launcher", "Server": "launcher", "serve": "servers.granian"}


def __getattr__(name: str) -> Any:
    # Importing Flask and scikit-learn takes a second or two, so it is put off until a name is used.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
