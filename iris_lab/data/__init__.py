"""Where tables come from, what their features are, and the datasets they become."""

from typing import TYPE_CHECKING

from iris_lab.lazy import names_in

if TYPE_CHECKING:
    from iris_lab.data.dataset import Dataset
    from iris_lab.data.datasets import load_dataset
    from iris_lab.data.given import BUNDLED, check_source
    from iris_lab.data.sources import Source, fetch, is_url
else:
    __getattr__ = names_in(
        __name__,
        dataset="Dataset",
        datasets="load_dataset",
        given="BUNDLED check_source",
        sources="Source fetch is_url",
    )

__all__ = ["BUNDLED", "Dataset", "Source", "check_source", "fetch", "is_url", "load_dataset"]
