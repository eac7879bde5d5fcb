"""Messages and paths of the Open Inference Protocol, version 2, over HTTP and JSON.

The declarations both check requests and describe them in OpenAPI. The specification is
https://github.com/kserve/open-inference-protocol, ``specification/protocol/inference_rest.md``; binary tensors are its
extension ``binary_tensor_data``.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import numpy as np

from iris_lab.data.schema import Feature
from iris_lab.serving.routes import MODEL

if TYPE_CHECKING:
    from iris_lab.modeling import Model


FEATURES = "input-0"  # the name in KServe's server for scikit-learn
OUTPUTS = ("predict", "predict_proba", "class")  # the first two names are MLServer's
VERSION = "1"
MODELS = "/v2/models/"
MODEL_RULES = (f"{MODELS}{MODEL}", f"{MODELS}{MODEL}/versions/{VERSION}")  # without and with the version
BINARY_SIZE, BINARY, ALL_BINARY = "binary_data_size", "binary_data", "binary_data_output"
HEADER_LENGTH = "Inference-Header-Content-Length"
DATATYPES = {
    f"{kind}{8 * size}": np.dtype(f"<{code}{size}")
    for kind, code, sizes in (("FP", "f", (8, 4, 2)), ("INT", "i", (8, 4, 2, 1)), ("UINT", "u", (8, 4, 2, 1)))
    for size in sizes
}
BYTES, BOOL = "BYTES", "BOOL"  # datatypes of texts, and of true and false

Parameters = dict[str, str | int | float | bool]


class RequestInput(msgspec.Struct):
    """An input tensor; its data are in the request, or follow it as binary data."""

    name: str
    shape: Annotated[list[int], msgspec.Meta(min_length=1, max_length=2)]
    datatype: str
    parameters: Parameters = {}
    data: Annotated[list[Any], msgspec.Meta(min_length=1)] | msgspec.UnsetType = msgspec.UNSET


class RequestOutput(msgspec.Struct):
    """A tensor wanted in the answer."""

    name: Annotated[str, msgspec.Meta(extra_json_schema={"enum": list(OUTPUTS)})]
    parameters: Parameters = {}


class InferenceRequest(msgspec.Struct):
    """Samples to predict; without `outputs` the answer has all outputs."""

    inputs: Annotated[list[RequestInput], msgspec.Meta(min_length=1)]
    id: str | msgspec.UnsetType = msgspec.UNSET
    parameters: Parameters = {}
    outputs: Annotated[list[RequestOutput], msgspec.Meta(max_length=len(OUTPUTS))] = []


class ResponseOutput(msgspec.Struct, omit_defaults=True):
    """An output tensor in row-major order; with `parameters`, its data are in the binary data that follow."""

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
    """Inputs and outputs of a model."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[Tensor]
    outputs: list[Tensor]


class ServerMetadata(msgspec.Struct):
    """Name, version and extensions of the server."""

    name: str
    version: str
    extensions: list[str]


class ServerLive(msgspec.Struct):
    """The server answers requests."""

    live: bool


class ServerReady(msgspec.Struct):
    """The model can predict. The specification names the member `live`, servers name it `ready`."""

    live: bool
    ready: bool


class ModelReady(msgspec.Struct):
    """The model can predict."""

    name: str
    ready: bool


def inputs_of(schema: Sequence[Feature]) -> list[Tensor]:
    """Return the inputs of a model: one for all features if all are numbers, else one for each feature."""
    if all(feature.kind in ("number", "boolean") for feature in schema):
        return [Tensor(FEATURES, "FP64", [-1, len(schema)])]
    kinds = {"number": "FP64", "boolean": BOOL, "category": BYTES, "date": BYTES}
    return [Tensor(feature.name, kinds[feature.kind], [-1, 1]) for feature in schema]


def model_metadata(model: "Model") -> ModelMetadata:
    """Return inputs and outputs of a model; features are in the order of training."""
    predict, probabilities, names = OUTPUTS
    return ModelMetadata(
        model.name,
        [VERSION],
        "sklearn_joblib",
        inputs_of(model.schema),
        [
            Tensor(predict, "INT64", [-1]),
            Tensor(probabilities, "FP64", [-1, len(model.classes)]),
            Tensor(names, "BYTES", [-1]),
        ],
    )
