"""What is known about Fisher's iris data: it is said where the table is iris, and nowhere else."""

from collections.abc import Mapping

import numpy as np
from IPython.display import Markdown

from iris_lab.data.dataset import Dataset

# Sepal length and width, petal length and width of the two samples in which copies of iris differ: as Fisher printed
# them, and as UCI's file has them (Bezdek et al., IEEE Transactions on Fuzzy Systems 7(3), 1999, 368-369).
COPIES: Mapping[str, Mapping[int, tuple[float, ...]]] = {
    "as Fisher printed it (1936)": {35: (4.9, 3.1, 1.5, 0.2), 38: (4.9, 3.6, 1.4, 0.1)},
    "in the file of the UCI repository": {35: (4.9, 3.1, 1.5, 0.1), 38: (4.9, 3.1, 1.5, 0.1)},
}
LENGTHS = [0, 2]  # columns of sepal and petal length, which readers of the iris tutorials look for first
ENOUGH = 0.95  # share of the 600 values that make a table iris; the copies differ in three
ABOUT = """**This is Fisher's iris data.** Copies of it differ in two samples; the file that the UCI repository has \
distributed for decades has both wrong (Bezdek and others, *IEEE Transactions on Fuzzy Systems* 7(3), 1999, 368–369). \
The values are sepal length and width, petal length and width, in cm:

{table}

*What to see in the figures.* The first two violins are those of the tutorials, sepal length and petal length. In both \
petal measurements, one species (*setosa*) lies apart from the other two. These two (*versicolor* and *virginica*) \
overlap in every measurement, least in those of the petals; in pairs, petal length and width show best which flowers \
lie between them."""


def is_iris(dataset: Dataset) -> bool:
    """Say whether a table is Fisher's iris data, or a copy of it with a few other values, whatever its names are."""
    if dataset.features.shape != (150, 4):
        return False
    from sklearn.datasets import load_iris  # a second of import that other tables don't need

    return bool(np.mean(dataset.features.to_numpy() == load_iris().data) > ENOUGH)


def about_iris(dataset: Dataset) -> Markdown | None:
    """Return which copy of iris a table is and what to see in its figures, None for every other table."""
    if not is_iris(dataset):
        return None
    values = dataset.features.to_numpy()
    lines = ["| sample | copy | values | same here |", "|--:|:--|:--|:--|"]
    for sample in (35, 38):
        for copy, samples in COPIES.items():
            same = "yes" if np.array_equal(values[sample - 1], samples[sample]) else "no"
            lines.append(f"| {sample} | {copy} | {', '.join(map(str, samples[sample]))} | {same} |")
    return Markdown(ABOUT.format(table="\n".join(lines)))  # type: ignore[no-untyped-call]  # IPython has no types here


def first_features(dataset: Dataset) -> list[str]:
    """Return the features to draw first: the two lengths of iris, none of another table."""
    return dataset.features.columns[LENGTHS].tolist() if is_iris(dataset) else []
