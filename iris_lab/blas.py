"""The one choice of the machine's that moves the last digits of a result: how OpenBLAS multiplies."""

import os
import platform
import sys
import warnings
from collections.abc import Mapping

# OpenBLAS picks its kernels by processor, and they round differently. These run on every machine of the architecture.
CORES: Mapping[str, str] = {"x86_64": "Prescott", "amd64": "Prescott", "aarch64": "ARMV8", "arm64": "ARMV8"}


def blas_core() -> str:
    """Return the name of the OpenBLAS core that results are promised for, ``"default"`` on other architectures."""
    return CORES.get(platform.machine().lower(), "default")


def blas_environment() -> dict[str, str]:
    """Return the environment variables that OpenBLAS and OpenMP read when NumPy is loaded: that core, one thread."""
    threads = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS")} | {"VECLIB_MAXIMUM_THREADS": "1"}
    return threads if blas_core() == "default" else threads | {"OPENBLAS_CORETYPE": blas_core()}


def pin_blas() -> None:
    """Make this process compute like a run of ``iris-lab report``, to the last digit.

    Call it before anything loads NumPy: afterwards the core is chosen.

    Warns
    -----
    UserWarning
        NumPy is loaded already, with another core or number of threads.
    """
    pinned = blas_environment()
    if all(os.environ.get(name) == value for name, value in pinned.items()):
        return
    if "numpy" in sys.modules:
        warnings.warn(
            "NumPy was loaded before pin_blas(), so the last digits of results may differ from those of "
            "`iris-lab report`: restart the kernel and run all cells",
            UserWarning,
            stacklevel=2,
        )
        return
    os.environ.update(pinned)
