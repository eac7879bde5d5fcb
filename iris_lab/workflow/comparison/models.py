"""Comparison of model files: by their bytes or, if the recorded one is trusted, by their predictions."""

import warnings
from pathlib import Path

import numpy as np

from iris_lab.errors import IrisLabError
from iris_lab.workflow.comparison.findings import Difference
from iris_lab.workflow.comparison.texts import NOISE, RELATIVE

UNTRUSTED = "not loaded, since a pickle from elsewhere can run code: --trust compares what it predicts"


def compare_models(was: Path, now: Path, *, trust: bool) -> Difference | None:
    """Return the first sample of the split on which two models differ in class or probability.

    Parameters
    ----------
    was
        A run of unknown origin. Whoever wrote its model also wrote its record, so digests do not say who that was, and
        the model is loaded only if the caller trusts it.
    now
        Our own re-run.
    trust
        Load the recorded model.
    """
    if not trust:
        return Difference("", f"other bytes, {UNTRUSTED}", "the model of the re-run")
    from iris_lab.artifacts import read_split  # here: they import for seconds, and most models have equal bytes
    from iris_lab.modeling import load_model

    ours = load_model(now)
    split = read_split(now, ours)
    features = split.dataset.features
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about versions, which the environment's findings name
            theirs = load_model(was, trust=True).estimator
            codes, probabilities = theirs.predict(features), theirs.predict_proba(features)
    except Exception as error:  # an untrusted file can raise anything
        reason = str(error) if isinstance(error, IrisLabError) else f"{type(error).__name__}: {error}"
        return Difference("", f"predicts nothing ({reason})", "predicts")
    our_codes, our_probabilities = ours.estimator.predict(features), ours.estimator.predict_proba(features)
    if np.shape(codes) != our_codes.shape or np.shape(probabilities) != our_probabilities.shape:
        return Difference("", f"predicts {np.shape(probabilities)}", f"predicts {our_probabilities.shape}")
    for row in np.flatnonzero(codes != our_codes)[:1]:
        return Difference(f"prediction of sample {row + 1}", str(codes[row]), str(our_codes[row]))
    for row, column in np.argwhere(~np.isclose(probabilities, our_probabilities, rtol=RELATIVE, atol=NOISE))[:1]:
        where = f"probability of {ours.classes[column]!r} for sample {row + 1}"
        recorded, expected = (repr(float(p[row, column])) for p in (probabilities, our_probabilities))
        return Difference(where, recorded, expected)
    return None
