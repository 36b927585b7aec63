#!/usr/bin/env python3
"""Trains a classifier that tells which instrument a viewer will answer, from `spotter engage export`, for Spotter to use.

    spotter engage export > decisions.ndjson
    python3 train.py --kind logistic decisions.ndjson model.onnx

It learns the probability of reward of each decision's choice, each weighted by one over its propensity so that what was shown
rarely counts for all the times that it was not; prints how it does on the last decisions, which it did not see; and writes ONNX.
"""
import argparse
import json
import math
import sys

import numpy as np
from scipy.sparse import csr_matrix
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score

from vector import VECTOR_VERSION, context_terms, vector


def matrix(rows, dimensions):
    """Rows as a sparse matrix of float32."""
    starts, columns, values = [0], [], []
    for x in rows:
        columns += x.keys()
        values += x.values()
        starts.append(len(columns))
    return csr_matrix((np.array(values, np.float32), columns, starts), shape=(len(rows), dimensions))


class Log:
    """Decisions as they are learned from and judged by."""

    def __init__(self, lines, dimensions):
        contexts = [context_terms(line) for line in lines]
        self.chosen = matrix(
            [vector(c, line["arms"][line["choice"]], dimensions) for c, line in zip(contexts, lines)], dimensions)
        self.lines, self.contexts, self.dimensions = lines, contexts, dimensions
        self.reward = np.array([line["reward"] for line in lines])
        self.propensity = np.array([line["propensity"] for line in lines])

    def weighted(self, clip):
        """Rows, classes and weights: a reward of 0.3 is a row of class 1 with 0.3 of the weight and one of 0 with the rest."""
        weight = np.minimum(1 / self.propensity, clip)
        weight /= weight.mean()
        rows = np.concatenate([np.arange(len(self.lines))] * 2)
        classes = np.repeat([1, 0], len(self.lines))
        weights = np.concatenate([weight * self.reward, weight * (1 - self.reward)])
        keep = weights > 0
        return rows[keep], classes[keep], weights[keep]

    def value(self, score):
        """The mean reward of choosing by score, self-normalised by propensities (Swaminathan and Joachims 2015)."""
        agree, done = np.zeros(len(self.lines)), 0
        scores = score(matrix([vector(c, arm, self.dimensions)
                               for c, line in zip(self.contexts, self.lines) for arm in line["arms"]], self.dimensions))
        for i, line in enumerate(self.lines):
            own = scores[done:done + len(line["arms"])]
            done += len(own)
            best = np.flatnonzero(own == own.max())
            agree[i] = (line["choice"] in best) / len(best)
        weights = agree / self.propensity
        return (weights @ self.reward) / weights.sum() if weights.sum() > 0 else math.nan


def estimator(kind):
    if kind == "logistic":
        return LogisticRegression(max_iter=1000)
    return GradientBoostingClassifier(n_estimators=60, max_depth=4, learning_rate=0.15, random_state=0)


def train(kind, log, clip):
    rows, classes, weights = log.weighted(clip)
    if len(set(classes)) < 2:
        sys.exit("train: the decisions to learn from were all rewarded, or none was: there is nothing to learn yet")
    model = estimator(kind).fit(log.chosen[rows], classes, sample_weight=weights)
    return model, lambda x: model.predict_proba(x)[:, 1]


def judge(score, log):
    rows, classes, weights = log.weighted(math.inf)
    given = score(log.chosen)[rows]
    both = len(set(classes)) == 2
    return {
        "held_out": len(log.lines),
        "log_loss": round(log_loss(classes, given, sample_weight=weights, labels=[0, 1]), 4),
        "auc": round(roc_auc_score(classes, given, sample_weight=weights), 4) if both else None,
        "logged_reward": round(float(log.reward.mean()), 4),
        "model_reward_snips": round(float(log.value(score)), 4),
    }


def export(model, dimensions, path):
    onx = to_onnx(model, initial_types=[("x", FloatTensorType([None, dimensions]))], options={"zipmap": False})
    for key, value in (("spotter_vector", VECTOR_VERSION), ("spotter_dimensions", str(dimensions))):
        onx.metadata_props.add(key=key, value=value)
    with open(path, "wb") as f:
        f.write(onx.SerializeToString())


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("decisions", help="what `spotter engage export` wrote; - for standard input")
    p.add_argument("model", help="the ONNX file to write")
    p.add_argument("--kind", choices=["logistic", "trees"], default="logistic")
    p.add_argument("--dimensions", type=int, default=1024, help="length of the hashed vectors, a power of two from 16 to 65536")
    p.add_argument("--held-out", type=float, default=0.2, help="share of the decisions, the last ones, to judge by")
    p.add_argument("--clip", type=float, default=50, help="the largest weight of a decision in training")
    a = p.parse_args()
    if not 16 <= a.dimensions <= 65536 or a.dimensions & (a.dimensions - 1):
        p.error("--dimensions: a power of two from 16 to 65536 is needed")
    if not 0 < a.held_out < 1:
        p.error("--held-out: a share between 0 and 1 is needed")
    return a


def main():
    a = arguments()
    with sys.stdin if a.decisions == "-" else open(a.decisions, encoding="utf-8") as f:
        lines = [json.loads(line) for line in f if line.strip()]
    cut = int(len(lines) * (1 - a.held_out))
    if cut < 1 or cut == len(lines):
        sys.exit(f"train: {len(lines)} decisions are too few to learn from and to judge by")
    model, score = train(a.kind, Log(lines[:cut], a.dimensions), a.clip)
    figures = {"kind": a.kind, "dimensions": a.dimensions, "learned_from": cut}
    print(json.dumps(figures | judge(score, Log(lines[cut:], a.dimensions))))
    export(model, a.dimensions, a.model)


if __name__ == "__main__":
    main()
