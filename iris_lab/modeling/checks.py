"""Whether the data allow what the parameters ask for."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from iris_lab.modeling.estimators import check_needs, check_private
from iris_lab.modeling.ranges import check_folds
from iris_lab.modeling.splits import make_split

if TYPE_CHECKING:
    from iris_lab.data.dataset import Dataset


def check_data(dataset: "Dataset | None", values: Mapping[str, Any]) -> None:
    """Refuse, before anything starts, a split or folds that the data do not allow.

    Raises
    ------
    InputError
        A class has too few samples for them.
    """
    if dataset is not None and {"test_size", "seed", "folds"} <= values.keys():
        split = make_split(dataset, values["test_size"], values["seed"])
        check_folds(values["folds"], split.distinct_train_target, dataset.classes)
        if "model" in values:
            if dataset.is_private:
                check_private(values["model"])
            check_needs(values["model"], split, values["folds"])
