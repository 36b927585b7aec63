"""Trains Vowpal Wabbit on the cb_adf text in the file named as argument and prints what it read of each decision."""

import json
import sys

import vowpalwabbit

vw = vowpalwabbit.Workspace("--cb_adf --quiet --interactions ca --cb_type mtr")
block, blocks = [], []
with open(sys.argv[1]) as f:
    for line in f:
        line = line.rstrip("\n")
        if line:
            block.append(line)
        else:
            blocks.append(block)
            block = []
assert not block, "the last decision has no empty line after it"
read = []
for block in blocks:
    examples = vw.parse(block, vowpalwabbit.LabelType.CONTEXTUAL_BANDIT)
    labels = [vowpalwabbit.CBLabel.from_example(e) for e in examples]
    costs = [[i - 1, c.cost, c.probability] for i, l in enumerate(labels) if i > 0 for c in l.costs]
    read.append({"arms": len(examples) - 1, "features": [e.get_feature_number() for e in examples], "costs": costs})
    vw.learn(examples)
    vw.finish_example(examples)

# What it would choose now, knowing no labels: predict gives each arm's expected cost.
greedy = []
for block in blocks:
    costs = vw.predict([line.split(" ", 1)[1] if line.startswith("0:") else line for line in block])
    greedy.append(costs.index(min(costs)))
vw.finish()
print(json.dumps({"read": read, "greedy": greedy}))
