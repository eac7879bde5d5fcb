"""A Dask cluster that exists: whether it answers, and whether its workers would make the runs that are made here."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from iris_lab.errors import InputError
from iris_lab.workflow import provenance
from iris_lab.workflow.sweeps.identity import Identity, differences

ANSWER_SECONDS = 10


def about_worker() -> Identity:
    """Return what the runs of this worker would record, without the notebooks: those are sent to it."""
    return {"software": provenance.software(), "sources": provenance.sources({})}


@contextmanager
def connected(address: str, identity: Identity) -> Iterator[Any]:
    """Yield a client of a scheduler whose workers all have this version of iris_lab, of the lock and of Python.

    Parameters
    ----------
    address
        Of the scheduler, such as ``tcp://10.0.0.1:8786``.
    identity
        What the runs of a worker here would record.

    Raises
    ------
    InputError
        dask or distributed is not installed, the scheduler does not answer or has no workers, or a worker has other
        versions or code.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise InputError("a scheduler needs Dask: pip install 'iris-lab[dask]'") from error
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # it would tell of connections that were refused
    try:
        client = Client(address, timeout=ANSWER_SECONDS, set_as_default=False)
    except (OSError, ValueError, TypeError, ImportError) as error:
        raise InputError(
            f"scheduler {address!r} does not answer within {ANSWER_SECONDS} s "
            f"({type(error).__name__}): expected the address of a Dask scheduler, such as tcp://127.0.0.1:8786"
        ) from error
    try:
        _check_workers(client, address, identity)
        yield client
    finally:
        with suppress(Exception):  # the scheduler may be gone
            client.close(timeout=2)


def _check_workers(client: Any, address: str, identity: Identity) -> None:
    with suppress(TimeoutError):
        client.wait_for_workers(1, timeout=ANSWER_SECONDS)
    if not client.scheduler_info()["workers"]:
        raise InputError(f"scheduler {address!r} has no workers: start some with `dask worker {address}`")
    here = {**identity, "sources": {n: d for n, d in identity["sources"].items() if not n.endswith(".ipynb")}}
    for worker, found in sorted(client.run(about_worker, on_error="return").items()):
        if isinstance(found, BaseException):
            raise InputError(
                f"worker {worker} has no iris_lab, or another version ({type(found).__name__}: {found}): "
                "install the wheel of this one there"
            )
        if other := differences(found, here, platform=False):
            raise InputError(f"worker {worker} is not as this machine: {'; '.join(other)}; install the same there")


def release(client: Any) -> None:
    """End the processes that the workers keep for the next run."""
    from iris_lab.workflow.sweeps.workers import release as end

    with suppress(Exception):  # lost workers have ended them
        client.run(end, on_error="ignore")
