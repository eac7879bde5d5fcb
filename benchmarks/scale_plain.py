"""The three steps as a plain script of pandas, seaborn and scikit-learn: what `scale.py` is measured beside.

Usage: scale_plain.py TABLE.csv FOLDER. It draws the figures and computes the scores of a report on numbers, and nothing
else: no intervals by resampling, no search for pitfalls, no page, no record, no endpoint. Figures are PNG only.
"""

import sys
from pathlib import Path

import matplotlib

matplotlib.use("agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from sklearn import metrics
from sklearn.calibration import calibration_curve
from sklearn.dummy import DummyClassifier
from sklearn.feature_selection import f_classif
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

SHOWN = 5  # features in the pair plot, as in a report


def save(name: str) -> None:
    """Save the current figure and close it."""
    plt.savefig(FOLDER / f"{name}.png", dpi=150)
    plt.close("all")


def explore(table: pd.DataFrame, features: list[str], target: str) -> None:
    """Describe the table, and draw its features one at a time, in pairs, and their correlations."""
    print(table.head().T, table[features].describe().T, table.groupby(target)[features].mean().T)
    print(table.isna().sum(), table[target].value_counts(normalize=True), table.duplicated(features).sum())
    strength = pd.Series(f_classif(table[features], table[target])[0], features).nlargest(SHOWN)
    print(strength, table.groupby(target)[features].agg(["min", "max"]).T)
    _, axes = plt.subplots(-(-len(features) // 2), 2, figsize=(8, 2.1 * len(features) / 2))
    for axis, name in zip(axes.flat, features, strict=False):
        sns.violinplot(table, x=target, y=name, hue=target, cut=0, ax=axis)
    save("violins")
    sns.pairplot(table, hue=target, vars=list(strength.index), height=1.6, plot_kws={"s": 8})
    save("pairs")
    sns.heatmap(table[features].corr(), vmin=-1, vmax=1, annot=True, fmt=".2f")
    save("correlation")


def train(table: pd.DataFrame, features: list[str], target: str) -> tuple:
    """Hold out a quarter, cross-validate on the rest beside the majority class, and fit."""
    train_set, test_set = train_test_split(table, test_size=0.25, random_state=0, stratify=table[target])
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    for name, one in {"logistic": model, "majority": DummyClassifier()}.items():
        scores = cross_val_score(one, train_set[features], train_set[target], cv=folds)
        print(name, scores.mean(), scores.std(ddof=1))
        plt.plot(scores, "o-", label=name)
    save("cross_validation")
    model.fit(train_set[features], train_set[target])
    print(model.score(train_set[features], train_set[target]))
    sns.heatmap(pd.DataFrame(model[-1].coef_.T, features, model.classes_), center=0)
    save("coefficients")
    return model, test_set


def evaluate(model, test_set: pd.DataFrame, features: list[str], target: str) -> None:
    """Score the model on the test set, and draw its errors, probabilities and curves."""
    truth, shares = test_set[target].to_numpy(), model.predict_proba(test_set[features])
    predicted = model.classes_[shares.argmax(axis=1)]
    print(metrics.classification_report(truth, predicted, digits=3))
    print(metrics.accuracy_score(truth, predicted), metrics.balanced_accuracy_score(truth, predicted))
    print(metrics.f1_score(truth, predicted, average="macro"), metrics.log_loss(truth, shares))
    print(metrics.roc_auc_score(truth, shares, multi_class="ovr"), metrics.brier_score_loss(truth, shares))
    print(test_set[predicted != truth].head(100))
    sns.heatmap(metrics.confusion_matrix(truth, predicted), annot=True, fmt="d")
    save("confusion")
    own = shares[np.arange(len(truth)), np.searchsorted(model.classes_, truth)]
    sns.stripplot(x=truth, y=own, hue=predicted == truth, size=3, legend=False)
    save("confidence")
    plt.plot(*calibration_curve(predicted == truth, shares.max(axis=1), n_bins=10, strategy="quantile")[::-1], "o-")
    save("reliability")
    _, axes = plt.subplots(1, 2, figsize=(8, 4.7))
    for code, name in enumerate(model.classes_):
        metrics.RocCurveDisplay.from_predictions(truth == name, shares[:, code], ax=axes[0], name=name)
        metrics.PrecisionRecallDisplay.from_predictions(truth == name, shares[:, code], ax=axes[1], name=name)
    save("threshold_curves")


if __name__ == "__main__":
    FOLDER = Path(sys.argv[2])
    FOLDER.mkdir(exist_ok=True)
    whole = pd.read_csv(sys.argv[1])
    *columns, last = whole.columns
    explore(whole, columns, last)
    evaluate(*train(whole, columns, last), columns, last)
