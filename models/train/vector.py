"""Describes the arms of a decision in numbers, as Vector of engage/policy does."""
import math

import numpy as np
import xxhash

VECTOR_VERSION = "1"  # of engage/policy
MASK = (1 << 64) - 1


def term(kind, name, value):
    """A feature's hash and its value, cut to [-10, 10]."""
    if not math.isfinite(value):
        value = 0
    return xxhash.xxh64_intdigest(f"{kind} {name}".encode()), np.float32(min(max(value, -10), 10))


def product(a, c):
    """The product of an arm's term and one of the context."""
    rotated = ((a[0] << 1) | (a[0] >> 63)) & MASK
    m = ((c[0] ^ rotated) * 0x9FB21C651E98DF25) & MASK
    return m ^ (m >> 32), c[1] * a[1]


def context_terms(line):
    return [term("c", f["name"], f["value"]) for f in line["context"]]


def vector(context, arm, dimensions):
    """What the model sees of an arm, as a dict from column to number: the same as engage/policy's Vector."""
    of_arm = [term("i", arm["id"], 1)] + [term("a", f["name"], f["value"]) for f in arm["features"] or []]
    x = {}
    for h, value in context + [t for a in of_arm for t in [a] + [product(a, c) for c in context]]:
        column = h & (dimensions - 1)
        x[column] = np.float32(x.get(column, np.float32(0)) + (-value if h >> 63 else value))
    return x
