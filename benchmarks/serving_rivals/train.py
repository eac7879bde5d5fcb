"""What a tutorial trains: iris, a seeded split, a logistic regression on all four features, dumped by joblib."""

import joblib
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

iris = load_iris(as_frame=True)
X_train, X_test, y_train, y_test = train_test_split(iris.data, iris.target, random_state=0)
model = LogisticRegression(max_iter=1000)
model.fit(X_train, y_train)
joblib.dump(model, "model.joblib")
