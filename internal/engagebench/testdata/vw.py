"""Plays Vowpal Wabbit's cb_explore_adf on the sequences that the Go test writes.

Arguments: the set's NDJSON file and a file of {"seed":n,"order":[...]} lines. Prints a line of JSON per setting and seed:
{"setting","seed","reward"}, the number of times that the class drawn from Vowpal Wabbit's own distribution was right.
"""
import json
import random
import sys

from vowpalwabbit import pyvw

# Products of context and class (ca) are what makes a linear model of each class; cca adds all pairs of context features.
SETTINGS = {
    "epsilon 0.1": "--epsilon 0.1",
    "bag 5": "--bag 5",
    "cover 3": "--cover 3",
    "squarecb": "--squarecb",
    "epsilon 0.02, l 5": "--epsilon 0.02 -l 5",
    "bag 5, l 5": "--bag 5 -l 5",
    "squarecb 300, l 2": "--squarecb --gamma_scale 300 -l 2",
    "squarecb 1000, l 10": "--squarecb --gamma_scale 1000 -l 10",
    "squarecb 300, l 2, pairs": "--squarecb --gamma_scale 300 -l 2 --interactions cca",
}
COMMON = "--cb_explore_adf -q ca --quiet -b 18"


def text(x):
    return "shared |c " + " ".join(f"{i}:{v:g}" for i, v in enumerate(x) if v)


def play(arguments, shared, labels, classes, order, seed):
    vw = pyvw.Workspace(f"{COMMON} {arguments} --random_seed {seed + 1}")
    draw = random.Random(seed)
    arms = [f"|a k{k}" for k in range(classes)]
    reward = 0
    for i in order:
        pmf = vw.predict([shared[i]] + arms)
        choice = draw.choices(range(classes), weights=pmf)[0]
        right = choice == labels[i]
        reward += right
        lines = list(arms)
        lines[choice] = f"0:{-int(right)}:{pmf[choice]:.9f} {arms[choice]}"
        vw.learn([shared[i]] + lines)
    vw.finish()
    return reward


def main(set_file, order_file):
    with open(set_file, encoding="utf-8") as f:
        head = json.loads(f.readline())
        rows = [json.loads(line) for line in f]
    shared, labels = [text(r["x"]) for r in rows], [r["y"] for r in rows]
    with open(order_file, encoding="utf-8") as f:
        runs = [json.loads(line) for line in f]
    for setting in sys.argv[3:] or SETTINGS:
        for run in runs:
            reward = play(SETTINGS.get(setting, setting), shared, labels, head["classes"], run["order"], run["seed"])
            print(json.dumps({"setting": setting, "seed": run["seed"], "reward": reward}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
