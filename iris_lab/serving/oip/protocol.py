"""The Open Inference Protocol, version 2, over HTTP and JSON: what its messages and routes look like.

The declarations check the requests, and describe them in OpenAPI. The specification is
https://github.com/kserve/open-inference-protocol, ``specification/protocol/inference_rest.md``; binary tensors are its
extension ``binary_tensor_data``.
"""

from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import numpy as np

from iris_lab.serving.routes import MODEL

if TYPE_CHECKING:
    from iris_lab.modeling import Model


FEATURES = "input-0"  # what KServe's server for scikit-learn calls its one input
OUTPUTS = ("predict", "predict_proba", "class")  # the first two are called as in MLServer
VERSION = "1"
MODELS = "/v2/models/"
MODEL_RULES = (f"{MODELS}{MODEL}", f"{MODELS}{MODEL}/versions/{VERSION}")  # where the model is: as it is, by version
BINARY_SIZE, BINARY, ALL_BINARY = "binary_data_size", "binary_data", "binary_data_output"
HEADER_LENGTH = "Inference-Header-Content-Length"
DATATYPES = {
    f"{kind}{8 * size}": np.dtype(f"<{code}{size}")
    for kind, code, sizes in (("FP", "f", (8, 4, 2)), ("INT", "i", (8, 4, 2, 1)), ("UINT", "u", (8, 4, 2, 1)))
    for size in sizes
}

Parameters = dict[str, str | int | float | bool]


class RequestInput(msgspec.Struct):
    """An input tensor; its data is in the request, or follows it as binary data."""

    name: str
    shape: Annotated[list[int], msgspec.Meta(min_length=1, max_length=2)]
    datatype: str
    parameters: Parameters = {}
    data: Annotated[list[Any], msgspec.Meta(min_length=1)] | msgspec.UnsetType = msgspec.UNSET


class RequestOutput(msgspec.Struct):
    """A tensor that the answer is to have."""

    name: Annotated[str, msgspec.Meta(extra_json_schema={"enum": list(OUTPUTS)})]
    parameters: Parameters = {}


class InferenceRequest(msgspec.Struct):
    """Samples to predict; without `outputs` the answer has all there are."""

    inputs: Annotated[list[RequestInput], msgspec.Meta(min_length=1)]
    id: str | msgspec.UnsetType = msgspec.UNSET
    parameters: Parameters = {}
    outputs: Annotated[list[RequestOutput], msgspec.Meta(max_length=len(OUTPUTS))] = []


class ResponseOutput(msgspec.Struct, omit_defaults=True):
    """An output tensor, row by row; with `parameters` it is among the binary data that follows."""

    name: str
    shape: list[int]
    datatype: str
    data: list[int | float | str] | msgspec.UnsetType = msgspec.UNSET
    parameters: Parameters | msgspec.UnsetType = msgspec.UNSET


class InferenceResponse(msgspec.Struct, omit_defaults=True):
    """Predictions."""

    model_name: str
    model_version: str
    outputs: list[ResponseOutput]
    id: str | msgspec.UnsetType = msgspec.UNSET


class Tensor(msgspec.Struct):
    """Name, datatype and shape of a tensor; -1 for any number of samples."""

    name: str
    datatype: str
    shape: list[int]


class ModelMetadata(msgspec.Struct):
    """What a model takes and gives."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[Tensor]
    outputs: list[Tensor]


class ServerMetadata(msgspec.Struct):
    """What the server is."""

    name: str
    version: str
    extensions: list[str]


class ServerLive(msgspec.Struct):
    """The server answers."""

    live: bool


class ServerReady(msgspec.Struct):
    """The model can be asked; the protocol's text says `live`, its servers say `ready`."""

    live: bool
    ready: bool


class ModelReady(msgspec.Struct):
    """The model can be asked."""

    name: str
    ready: bool


def model_metadata(model: "Model") -> ModelMetadata:
    """Return what a model takes and gives; features are in the order of training."""
    predict, probabilities, names = OUTPUTS
    return ModelMetadata(
        model.name,
        [VERSION],
        "sklearn_joblib",
        [Tensor(FEATURES, "FP64", [-1, len(model.features)])],
        [
            Tensor(predict, "INT64", [-1]),
            Tensor(probabilities, "FP64", [-1, len(model.classes)]),
            Tensor(names, "BYTES", [-1]),
        ],
    )
