"""What we use of other packages without their promise that it stays: a test for each part that may move."""

import inspect
import pickle

import numpy as np
import pytest
from granian._granian import SocketHolder
from granian.server import mp
from granian.server.common import AbstractServer
from joblib import numpy_pickle
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning import LocalProvisioner
from prometheus_client import values
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC
from sklearn.tree._tree import NODE_DTYPE, Tree
from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.server import BaseWSGIServer, TcpWSGIServer
from waitress.task import ThreadedTaskDispatcher


def parameters(function: object) -> list[str]:
    return list(inspect.signature(function).parameters)  # type: ignore[arg-type]  # whatever the package has there


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("startup", ["self", "spawn_target", "target_loader"]),
        ("_serve_loop", ["self", "spawn_target", "target_loader"]),
        ("_respawn_workers", ["self", "workers", "spawn_target", "target_loader", "delay"]),
        ("_init_shared_socket", ["self"]),
        ("_drop_shared_socket", ["self"]),
        ("signal_handler_interrupt", ["self", "args", "kwargs"]),
        ("signal_handler_reload", ["self", "args", "kwargs"]),
    ],
)
def test_granians_server_has_the_methods_that_we_override_or_call(method: str, expected: list[str]) -> None:
    assert parameters(getattr(mp.MPServer, method)) == expected


@pytest.mark.parametrize(
    "attribute",
    ["interrupt_signal", "main_loop_interrupt", "interrupt_children", "wrks", "_shd", "_ssp", "_sso", "backlog"],
)
def test_granians_server_uses_the_attributes_that_we_set_or_read(attribute: str) -> None:
    assert f"self.{attribute}" in inspect.getsource(AbstractServer) + inspect.getsource(mp.MPServer)


def test_granians_socket_holder_is_made_from_a_descriptor() -> None:
    assert callable(SocketHolder)
    assert "self.signal_handler_reload" in inspect.getsource(AbstractServer)  # None keeps SIGHUP from reloading


def test_prometheus_client_chooses_its_values_by_a_class_that_we_can_choose_again() -> None:
    assert inspect.isclass(values.ValueClass)
    assert inspect.isclass(values.get_value_class())
    assert parameters(values.get_value_class) == []


def test_waitress_has_what_the_end_of_a_background_server_needs() -> None:
    assert Adjustments().channel_request_lookahead == 0
    assert parameters(wasyncore.loop)[:4] == ["timeout", "use_poll", "map", "count"]
    assert parameters(wasyncore.close_all) == ["map", "ignore_all"]
    assert "adj.channel_request_lookahead" in inspect.getsource(HTTPChannel)
    assert hasattr(wasyncore.dispatcher, "close")
    assert hasattr(BaseWSGIServer, "pull_trigger")
    assert BaseWSGIServer.channel_class is HTTPChannel
    assert issubclass(TcpWSGIServer, wasyncore.dispatcher)
    assert "self.active_channels" in inspect.getsource(BaseWSGIServer)
    assert parameters(ThreadedTaskDispatcher.shutdown)[:3] == ["self", "cancel_pending", "timeout"]


def test_a_connection_of_waitress_makes_its_error_task_and_counts_what_waits() -> None:
    source = inspect.getsource(HTTPChannel)
    for part in ("self.error_task_class(self, request)", "self.requests", "self.total_outbufs_len"):
        assert part in source or part in inspect.getsource(HTTPChannel.service), part


def test_jupyter_client_launches_kernels_by_the_method_that_we_override() -> None:
    assert parameters(AsyncKernelManager._async_launch_kernel) == ["self", "kernel_cmd", "kw"]
    assert hasattr(AsyncKernelManager, "_launch_kernel")
    assert parameters(AsyncKernelManager._reconcile_connection_info) == ["self", "info"]
    assert {"process", "pid", "pgid", "connection_info"} <= set(dir(LocalProvisioner))


def test_joblib_reads_pickles_and_arrays_by_the_parts_that_we_override_or_call() -> None:
    wrapper, reader = numpy_pickle.NumpyArrayWrapper, numpy_pickle.NumpyUnpickler
    assert parameters(reader) == ["filename", "file_handle", "ensure_native_byte_order", "mmap_mode"]
    assert parameters(wrapper)[:4] == ["subclass", "shape", "order", "dtype"]
    assert parameters(wrapper.read) == ["self", "unpickler", "ensure_native_byte_order"]
    assert issubclass(reader, pickle._Unpickler)  # in Python, so that a subclass decides on every instruction
    assert {"find_class", "load_build", "pop_mark", "dispatch"} <= set(dir(reader))
    assert "unpickler = NumpyUnpickler(" in inspect.getsource(numpy_pickle._unpickle)  # it is what joblib.load uses


def test_scikit_learn_keeps_what_a_model_file_is_checked_by() -> None:
    features, target = [[0.0], [1.0], [2.0], [3.0]], [0, 1, 0, 1]
    assert Tree(1, np.array([2]), 1).node_count == 0
    assert np.dtype(NODE_DTYPE).names[:3] == ("left_child", "right_child", "feature")
    machine, neighbours = SVC().fit(features, target), KNeighborsClassifier().fit(features, target)
    assert {"_sparse", "_n_support", "_dual_coef_", "_intercept_", "_probA", "_probB"} <= vars(machine).keys()
    assert "_impl" in vars(SVC)
    assert {"_fit_X", "_y"} <= vars(neighbours).keys()
