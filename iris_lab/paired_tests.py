"""Tests of whether two models differ: over random splits of one table, or on the samples of one test set."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from iris_lab.errors import InputError

CONFIDENCE = 0.95
SAME = 1e-12  # differences of scores that are nearer to each other differ by rounding only


@dataclass(frozen=True)
class PairedTest:
    """What a test of paired differences found.

    Attributes
    ----------
    difference
        The mean of the differences.
    low, high
        Its 95 % interval; NaN where the differences are all the same, for nothing then says how far they could vary.
    statistic
        Student's t; NaN where the test has none.
    p
        The probability of such a difference, or a larger one, if the two models are equally good; NaN where the
        differences are all the same and not 0, so that there is no variation to judge them by.
    """

    difference: float
    low: float
    high: float
    statistic: float
    p: float


def corrected_t_test(differences: ArrayLike, test_per_train: float, *, one_sided: bool = False) -> PairedTest:
    """Compare two models by their scores on several random splits of one table: the corrected resampled t-test.

    The test sets of random splits share samples, and the training sets still more of them, so the differences are not
    independent. An ordinary t-test takes them as if they were, and calls far too many equal models different. Nadeau
    and Bengio replace the variance of the mean, s²/n, by (1/n + n_test/n_train) s². Bouckaert and Frank found that
    the same correction makes repeated k-fold cross-validation repeatable, with n = k times the repetitions and
    n_test/n_train = 1/(k - 1).

    It is an approximation: the correlation of two differences is taken to be n_test/(n_test + n_train), whatever the
    models. Of equally good linear models, about 5 % are called different; of models that follow their training set
    closely, such as nearest neighbours on 150 samples, 8 to 10 % (``benchmarks/null_pairs.py``).

    Parameters
    ----------
    differences
        Score of one model minus that of the other, one for each split (or fold); both models have the same splits.
    test_per_train
        Samples in a test set divided by samples in its training set; 0 for the ordinary, naive t-test.
    one_sided
        Ask whether the model with the higher mean is better, as scikit-learn's example does, not whether they differ.

    Returns
    -------
    PairedTest
        With n - 1 degrees of freedom. Differences that are all 0 have the p-value 1.

    Raises
    ------
    InputError
        There are fewer than two differences, or they are not finite numbers, or the ratio is negative.

    References
    ----------
    Nadeau, C. and Bengio, Y. (2003). Inference for the generalization error. Machine Learning 52(3), 239-281.

    Bouckaert, R. R. and Frank, E. (2004). Evaluating the replicability of significance tests for comparing learning
    algorithms. PAKDD 2004, LNCS 3056, 3-12.

    Examples
    --------
    >>> found = corrected_t_test([0.02, -0.01, 0.03, 0.01], 0.25)
    >>> naive = corrected_t_test([0.02, -0.01, 0.03, 0.01], 0)
    >>> print(f"{found.difference:.4f}: p = {found.p:.2f}, naive {naive.p:.2f}")
    0.0125: p = 0.38, naive 0.24
    """
    values = np.asarray(differences, dtype=np.float64)
    if values.ndim != 1 or len(values) < 2 or not np.isfinite(values).all():
        raise InputError(
            f"{values.size} differences of scores: expected two or more finite numbers, one for each split"
        )
    if not test_per_train >= 0:
        raise InputError(f"test_per_train={test_per_train}: expected the samples of a test set over those of training")
    from scipy.stats import t  # 0.4 s of import

    mean, spread = float(values.mean()), float(values.std(ddof=1))
    if np.ptp(values) <= SAME:
        same = abs(mean) <= SAME
        return PairedTest(mean, math.nan, math.nan, 0.0 if same else math.nan, 1.0 if same else math.nan)
    degrees = len(values) - 1
    error = spread * float(np.sqrt(1 / len(values) + test_per_train))
    statistic, half = mean / error, error * float(t.ppf((1 + CONFIDENCE) / 2, degrees))
    p = float(t.sf(abs(statistic), degrees)) * (1 if one_sided else 2)
    return PairedTest(mean, mean - half, mean + half, statistic, p)


def exact_mcnemar(right: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    """Return the p-value of the exact McNemar test of two models on the same samples.

    Parameters
    ----------
    right, other
        Whether each sample was predicted rightly by the one and by the other, shape (samples,).

    References
    ----------
    McNemar, Q. (1947). Note on the sampling error of the difference between correlated proportions or percentages.
    Psychometrika 12(2), 153-157.
    """
    from scipy.stats import binomtest  # 0.4 s of import

    better, worse = int((right & ~other).sum()), int((other & ~right).sum())
    return float(binomtest(better, better + worse).pvalue) if better + worse else 1.0


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust the p-values of several tests, so that any false alarm among them is as rare as in a single one.

    Parameters
    ----------
    p_values
        One for each test; a NaN (no test) stays NaN and does not count.

    References
    ----------
    Holm, S. (1979). A simple sequentially rejective multiple test procedure. Scandinavian Journal of Statistics 6(2),
    65-70.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03, 0.02])
    [0.04, 0.06, 0.06, 0.06]
    """
    given = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(given, kind="stable")[: int((~np.isnan(given)).sum())]  # NaN is sorted to the end
    adjusted = np.full(len(given), np.nan)
    adjusted[order] = np.minimum(1, np.maximum.accumulate(given[order] * np.arange(len(order), 0, -1)))
    return [float(value) for value in adjusted]
