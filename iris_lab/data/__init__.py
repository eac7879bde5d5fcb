"""Where tables come from, what their features are, and the datasets they become."""

from iris_lab.data.dataset import BUNDLED, Dataset
from iris_lab.data.datasets import check_source, load_dataset
from iris_lab.data.sources import Source, fetch, is_url

__all__ = ["BUNDLED", "Dataset", "Source", "check_source", "fetch", "is_url", "load_dataset"]
