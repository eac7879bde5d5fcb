"""Sentences about a table or a model, made from its numbers: Markdown for the notebooks."""

import re
import string
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from IPython.display import Markdown
from numpy.typing import NDArray

from iris_lab.data.dataset import Dataset
from iris_lab.exploration import leading_features, separation

LONGEST_NAME = 60  # characters
NAMED = 3  # of a list in a sentence
FEW = 30  # samples of a class: a share of fewer is known to no better than about 0.2 up or down
LEVEL = 0.05  # of the tests
CORRELATED, DRAWN = 0.9, 30  # the correlation that is mentioned; features in the figure of correlations
HARMLESS = set("(),.%/'\"-+=;? ")  # begin and end no markup within a line
MARKUP = {ord(sign): f"&#{ord(sign)};" for sign in string.punctuation if sign not in HARMLESS}


def escaped(name: object) -> str:
    """Return a name so that Markdown shows it as it is, in one line; of a long one the middle is left out.

    Characters that could be markup or a formula become character references, which Markdown takes for neither.

    Examples
    --------
    >>> escaped("*x* <b>")
    '&#42;x&#42; &#60;b&#62;'
    """
    text = " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f]", " ", str(name)).split()) or "□"
    if len(text) > LONGEST_NAME:
        text = f"{text[: LONGEST_NAME // 2 - 1]}…{text[-LONGEST_NAME // 2 :]}"
    return text.translate(MARKUP)


def separating_features(dataset: Dataset) -> Markdown:
    """Say which features separate the class means best, by the F statistic, and whether that may be chance."""
    found = separation(dataset).sort_values(ascending=False, kind="stable")
    if found.empty:
        return _say("No feature is a number, so there are no means to compare.")
    if found.iloc[0] == 0:
        return _say("No numeric feature separates the classes: in each, all classes have the same mean.")
    first, *others = [f"{_name(name)} ({_f(value)})" for name, value in found[found > 0].items()]
    if len(found) == 1:
        sentence = f"{first} is the only numeric feature."
    else:
        sentence = f"Of {len(found)} numeric features, {first} separates the classes best"
        sentence += f"; next: {', '.join(others[: NAMED - 1])}." if others else "; the others do not separate them."
    p = _chance(dataset, found)
    if p > LEVEL:
        many = f" in the best of {len(found)} features (Bonferroni's correction)" if len(found) > 1 else ""
        sentence += f" An F of this size is no surprise where classes do not differ: p = {p:.2f}{many}."
    return _say(sentence)


def overlapping_classes(dataset: Dataset) -> Markdown:
    """Say which classes overlap in every feature, and which are apart from all the others in one."""
    apart = {feature.name: _apart(dataset, feature.name, feature.kind) for feature in dataset.schema}
    names, count = [_name(name) for name in dataset.classes], len(dataset.classes)
    never = np.triu(~np.logical_or.reduce(list(apart.values())), 1)
    pairs = [f"{names[one]} and {names[other]}" for one, other in zip(*np.nonzero(never), strict=True)]
    if not pairs:
        first = "Every two classes have separate ranges in at least one feature."
    elif len(pairs) <= NAMED:
        first = f"The ranges of {'; of '.join(pairs)} overlap in every feature."
    else:
        total = count * (count - 1) // 2
        first = f"Of {total:,} pairs of classes, the ranges of {len(pairs):,} overlap in every feature."
    from_all = {name: table.sum(axis=1) == count - 1 for name, table in apart.items()}
    features = [[_name(name) for name, codes in from_all.items() if codes[code]] for code in range(count)]
    alone = [f"{names[code]} in {_list(found)}" for code, found in enumerate(features) if found]
    if count == 2 and alone:
        return _say(f"{names[0]} and {names[1]} have separate ranges in {_list(features[0])}.")
    return _say(f"{first} Apart from all other classes: {_list(alone, '; ')}." if alone else first)


def class_balance(dataset: Dataset) -> Markdown:
    """Say how large the largest and the smallest class are, and what that means for an accuracy."""
    counts = np.bincount(dataset.target, minlength=len(dataset.classes))
    largest, smallest, total = int(counts.argmax()), int(counts.argmin()), int(counts.sum())
    share = _percent(counts[largest] / total)
    if counts[largest] == counts[smallest]:
        sentence = f"Each of the {len(counts)} classes has {_samples(counts[0])}: always predicting one of them is "
        sentence += f"right for {share} of this table."
    else:
        sentence = (
            f"The largest class, {_name(dataset.classes[largest])}, has {counts[largest]:,} of {total:,} samples: "
            f"always predicting it is right for {share} of this table. The smallest, "
            f"{_name(dataset.classes[smallest])}, has {counts[smallest]:,} ({_percent(counts[smallest] / total)})."
        )
    few = [f"{_name(dataset.classes[code])} ({counts[code]})" for code in np.flatnonzero(counts < FEW)]
    if few:
        sentence += f" Under {FEW} samples: {_list(few)}. What is found about so small a class rests on little."
    return _say(sentence)


def correlated_features(dataset: Dataset) -> Markdown:
    """Say which two of the features in the figure of correlations are correlated most."""
    names = leading_features(dataset.numeric, DRAWN)
    table = dataset.features[names].corr().to_numpy()
    rows, columns = np.triu_indices(len(names), 1)
    values = table[rows, columns]
    rows, columns, values = (each[~np.isnan(values)] for each in (rows, columns, values))
    if not len(values):
        return _say("There are no two numeric features that vary, and so no correlation.")
    best = int(np.abs(values).argmax())
    pair = f"{_name(names[rows[best]])} and {_name(names[columns[best]])}"
    sentence = f"The correlation of {pair} is {_signed(values[best], '.2f')}"
    if len(values) == 1:
        return _say(f"{sentence}.")
    strong = int((np.abs(values) > CORRELATED).sum())
    more = f"{strong:,} of {len(values):,} correlations are over {CORRELATED} in size"
    return _say(f"{sentence}, the strongest; {more}.")


def better_in_folds(scores: NDArray[np.float64], baseline: NDArray[np.float64], model: str) -> Markdown:
    """Say in how many folds of the cross-validation a model was better than the majority class, and by how much."""
    better, folds = int((scores > baseline).sum()), len(scores)
    points = _signed(100 * float((scores - baseline).mean()), "+.1f")
    where = f"each of the {folds} folds" if better == folds else f"{better} of the {folds} folds"
    sentence = f"{_name(model)} was better than the majority class in {where}, on average by {points} percentage points"
    more = "" if better == folds else ": it may have learnt nothing that holds for other samples"
    return _say(f"{sentence}{more}.")


def better_than_baseline(numbers: Mapping[str, float], model: str) -> Markdown:
    """Say from the result of `scores` whether the test set tells a model from the baseline."""
    samples, correct, other = (int(numbers[name]) for name in ("samples", "correct", "baseline_correct"))
    p = numbers["mcnemar_p"]
    test = f"exact McNemar test: p {'< 0.001' if p < 0.001 else f'= {p:.3f}'}"
    counts = (
        f"{_name(model)} predicted {correct:,} of {_samples(samples)} rightly; always predicting the majority class "
        f"of the training set is right for {other:,}."
    )
    if p > LEVEL:
        return _say(f"{counts} By these samples, the two cannot be told apart ({test}).")
    verdict = "better" if correct > other else "worse"
    return _say(f"{counts} The model is {verdict}, and chance does not explain the difference ({test}).")


def _say(text: str) -> Markdown:
    return Markdown(text)  # type: ignore[no-untyped-call]  # IPython has no types here


def _name(name: object) -> str:
    return f"*{escaped(name)}*"


def _list(parts: Sequence[str], comma: str = ", ") -> str:
    more = f"{comma}and {len(parts) - NAMED:,} more" if len(parts) > NAMED else ""
    return comma.join(parts[:NAMED]) + more


def _samples(count: int) -> str:
    return f"{count:,} sample{'' if count == 1 else 's'}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _signed(value: float, form: str) -> str:
    return f"{value:{form}}".replace("-", "−")


def _f(value: float) -> str:
    return f"F = {value:.4g}" if np.isfinite(value) else "it is constant within each class"


def _chance(dataset: Dataset, found: "pd.Series[float]") -> float:
    """Return the probability of so large an F in one of the features if no class differs, by Bonferroni's bound."""
    from scipy.stats import f  # 0.4 s of import

    classes = len(dataset.classes)
    within = int(dataset.features[found.index[0]].notna().sum()) - classes
    return min(1.0, len(found) * float(f.sf(found.iloc[0], classes - 1, within))) if within > 0 else 1.0


def _apart(dataset: Dataset, name: str, kind: str) -> NDArray[np.bool_]:
    """Return for each two classes whether their ranges of a feature are apart; of a category, their levels."""
    count = len(dataset.classes)
    if kind == "category":
        codes, levels = pd.factorize(dataset.features[name])
        occurs = np.zeros((count, len(levels) + 1), np.int64)
        occurs[dataset.target, codes] = 1  # a missing value has the code -1: the last column
        some = occurs[:, :-1].sum(axis=1) > 0
        separate: NDArray[np.bool_] = (occurs[:, :-1] @ occurs[:, :-1].T == 0) & some & some[:, None]
        return separate
    values = dataset.features[name].groupby(dataset.target)
    low, high = (each.reindex(range(count)).to_numpy() for each in (values.min(), values.max()))
    above: NDArray[np.bool_] = np.greater.outer(low, high)
    return above | above.T
