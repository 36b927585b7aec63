"""Writes classification sets as NDJSON, one file per set, into the folder given: a header {"name","classes","passes"},
then {"x":[...],"y":n} per row. Features are scaled to about [-1, 1]; passes is how often a run goes through the set."""
import json
import os
import sys

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits, load_wine, make_classification


def scaled(x):
    """Standard deviations from the mean, a third of each."""
    return np.clip((x - x.mean(axis=0)) / (3 * x.std(axis=0)), -2, 2)


def covtype_like():
    """Ten numbers and 44 flags, seven classes as unequal as those of the forest cover set."""
    shares = [0.365, 0.487, 0.062, 0.005, 0.016, 0.030, 0.035]
    x, y = make_classification(
        n_samples=10000, n_features=54, n_informative=24, n_redundant=10, n_classes=7, n_clusters_per_class=1,
        weights=shares, class_sep=1.5, flip_y=0.02, random_state=7)
    rng = np.random.default_rng(7)
    flags = x[:, 10:]
    x[:, 10:] = flags > [np.quantile(flags[:, i], q) for i, q in enumerate(rng.uniform(0.3, 0.95, 44))]
    return np.hstack([scaled(x[:, :10]), x[:, 10:]]), y


def main(folder):
    digits, cancer, wine = load_digits(), load_breast_cancer(), load_wine()
    sets = {
        "digits": (digits.data / 16, digits.target, 1),
        "breast cancer": (scaled(cancer.data), cancer.target, 1),
        "wine": (scaled(wine.data), wine.target, 8),
        "covtype-like": (*covtype_like(), 1),
    }
    for name, (x, y, passes) in sets.items():
        with open(os.path.join(folder, name.replace(" ", "-") + ".ndjson"), "w", encoding="utf-8") as f:
            f.write(json.dumps({"name": name, "classes": int(y.max()) + 1, "passes": passes}) + "\n")
            for row, label in zip(x, y):
                f.write(json.dumps({"x": [round(float(v), 6) for v in row], "y": int(label)}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
