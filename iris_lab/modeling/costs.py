"""What a model costs on a large table, known before it is fitted, so that nobody waits for it without a word.

The constants are processor seconds of one core, measured with scikit-learn 1.9 on 3,000 and 6,000 samples with 10 to
500 features. They tell minutes from hours, no more.
"""

import math
from dataclasses import dataclass

LONG = 60.0  # seconds from which a cost is stated
SHUFFLING = 8.0  # seconds that permutation importance may take
REPEATS, FEW_REPEATS = 10, 3
FEWEST_SAMPLES, FEWEST_FEATURES = 100, 10  # that are shuffled, whatever it costs
PREDICTIONS = 3  # of about as many samples as there are for training: in folds, of the training and of the test set


def seconds_to_fit(model: str, samples: int, features: int) -> float:
    """Return about how long a fit takes; 0 for the models of which no table makes a long one."""
    if model == "svm":
        return samples**2 * (8e-8 + 4e-9 * features)
    return samples * math.log2(samples + 1) * math.sqrt(features) * 9e-6 if model == "forest" else 0.0


def seconds_to_predict(model: str, samples: int, features: int) -> float:
    """Return about how long the prediction of one sample takes, by a model of as many training samples."""
    if model == "svm":
        return samples * (2e-8 + 1.2e-9 * features)
    return samples * (1e-8 + 6e-11 * features) if model == "knn" else 2e-5


def expected_cost(model: str, samples: int, features: int, folds: int) -> str:
    """Return a sentence on how long cross-validation and fit will take, empty where it is under a minute.

    Examples
    --------
    >>> expected_cost("logistic", 1_000_000, 10, 5)
    ''
    >>> expected_cost("svm", 75_000, 10, 5)
    'svm takes about 56 minutes for 75000 training samples and 10 features; logistic, lda and boosting take seconds'
    """
    if model not in ("svm", "knn", "forest"):
        return ""
    in_fold = samples * (folds - 1) // folds
    seconds = folds * seconds_to_fit(model, in_fold, features) + seconds_to_fit(model, samples, features)
    seconds += PREDICTIONS * samples * seconds_to_predict(model, samples, features)
    if seconds < LONG:
        return ""
    minutes = seconds / 60
    long = f"{minutes:.0f} minute{'s' * (round(minutes) > 1)}" if minutes < 120 else f"{minutes / 60:.0f} hours"
    return (
        f"{model} takes about {long} for {samples} training samples and {features} features; "
        "logistic, lda and boosting take seconds"
    )


@dataclass(frozen=True)
class Shuffles:
    """How much of permutation importance is computed.

    Attributes
    ----------
    repeats
        Shuffles of each feature.
    samples, features
        How many of each; of the features those that separate the classes best.
    """

    repeats: int
    samples: int
    features: int


def affordable(model: str, samples: int, features: int) -> Shuffles:
    """Return as many shuffles, samples and features as `SHUFFLING` seconds allow: all of them for a small table.

    Examples
    --------
    >>> affordable("knn", 112, 4)
    Shuffles(repeats=10, samples=112, features=4)
    >>> affordable("knn", 7500, 2000)
    Shuffles(repeats=3, samples=100, features=27)
    """
    most = int(SHUFFLING / seconds_to_predict(model, samples, features))  # predictions
    if samples * features * REPEATS <= most:
        return Shuffles(REPEATS, samples, features)
    some = min(samples, max(FEWEST_SAMPLES, most // (features * FEW_REPEATS)))
    few = min(features, max(FEWEST_FEATURES, most // (some * FEW_REPEATS)))
    return Shuffles(FEW_REPEATS, some, few)
