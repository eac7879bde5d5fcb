"""Pitfalls of a split, and of a model in cross-validation."""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student
from sklearn.neighbors import NearestNeighbors

from iris_lab.modeling import Split
from iris_lab.pitfalls.pitfall import MOST_SAMPLES, Found, Pitfall

NEAR = 0.02  # of a standard deviation in every number: the same thing measured twice


def in_split(split: Split) -> list[Pitfall]:
    """Return the pitfalls of a split."""
    return list(_near_duplicates(split))


def in_model(
    train_accuracy: float, scores: NDArray[np.float64], baseline: NDArray[np.float64], fold_samples: float
) -> list[Pitfall]:
    """Return the pitfalls of a model in cross-validation.

    Parameters
    ----------
    train_accuracy
        On the samples that the model was fitted on.
    scores, baseline
        Accuracy of each fold, of the model and of the majority class.
    fold_samples
        Number of samples of a fold.
    """
    found, mean = [], float(scores.mean())
    gain, folds = scores - baseline, len(scores)
    # Folds share training samples: corrected resampled t-test (Nadeau & Bengio, 2003, Machine Learning 52(3), 239-281).
    error = float(gain.std(ddof=1)) * np.sqrt(1 / folds + 1 / (folds - 1))
    if gain.mean() <= max(0.0, float(student.ppf(0.975, folds - 1)) * error):
        found.append(Pitfall(
            "no-better-than-baseline", "model",
            f"accuracy {mean:.1%} in cross-validation, the majority class {baseline.mean():.1%}",
            "the features say little about the class, or this model cannot use them",
            "do not use the model; look for other features, another model, or more samples",
        ))  # fmt: skip
    if train_accuracy - mean > 0.1:
        found.append(Pitfall(
            "overfit", "model", f"accuracy {train_accuracy:.1%} on the training set, {mean:.1%} in cross-validation",
            "the model remembers its samples: its sureness is not to be trusted",
            "take a simpler model, or more samples",
        ))  # fmt: skip
    chance = np.sqrt(max(mean * (1 - mean), 0.01) / fold_samples)
    if len(scores) > 1 and float(scores.std(ddof=1)) > 3 * chance:
        found.append(Pitfall(
            "folds-disagree", "model", f"accuracy {scores.min():.1%} to {scores.max():.1%} over the folds",
            "more than chance: some samples are unlike the others, such as those of another site or time",
            "look for what the bad folds have in common; name groups or time",
        ))  # fmt: skip
    return found


def _near_duplicates(split: Split) -> Found:
    numbers = split.dataset.numeric.features
    numbers = numbers.loc[:, numbers.notna().all() & (numbers.nunique() > 10)]
    if numbers.shape[1] < 2:
        return
    scaled = ((numbers - numbers.mean()) / numbers.std()).to_numpy()
    train, test = scaled[split.train[:MOST_SAMPLES]], scaled[split.test[:MOST_SAMPLES]]
    distance = NearestNeighbors(n_neighbors=1, metric="chebyshev").fit(train).kneighbors(test)[0][:, 0]
    usual = float(np.median(distance))
    near = int((distance < min(NEAR, usual / 20)).sum())
    if near > max(2, 0.02 * len(test)):
        yield Pitfall(
            "near-duplicates", "test set", f"{near} of {len(test)} test samples nearly equal a training sample",
            "the test measures memory", "if they are the same things measured again, name them with groups",
        )  # fmt: skip
