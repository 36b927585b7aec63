"""Prints what the Open Bandit Pipeline estimates on each of the logs in the JSON file named as argument."""

import importlib.util
import json
import sys
import types

if importlib.util.find_spec("torch") is None:
    # obp imports torch at module level, for estimators and learners on neural networks that are not used here. An empty
    # stand-in saves installing it.
    class StandIn(types.ModuleType):
        __path__ = []

        def __getattr__(self, name):
            if name.startswith("__"):
                raise AttributeError(name)
            return sys.modules.get(f"{self.__name__}.{name}") or type(name, (), {})

    for name in ("torch", "torch.nn", "torch.nn.functional", "torch.optim", "torch.utils", "torch.utils.data"):
        sys.modules[name] = StandIn(name)

import numpy as np
from obp.ope import DoublyRobust, InverseProbabilityWeighting, SelfNormalizedInverseProbabilityWeighting

with open(sys.argv[1]) as f:
    logs = json.load(f)
answers = []
for log in logs:
    given = {
        "reward": np.array(log["reward"], dtype=float),
        "action": np.array(log["action"], dtype=int),
        "pscore": np.array(log["pscore"], dtype=float),
        "action_dist": np.array(log["action_dist"], dtype=float)[:, :, np.newaxis],
    }
    expected = np.array(log["estimated_rewards"], dtype=float)[:, :, np.newaxis]
    answers.append({
        "ips": InverseProbabilityWeighting().estimate_policy_value(**given),
        "snips": SelfNormalizedInverseProbabilityWeighting().estimate_policy_value(**given),
        "dr": DoublyRobust().estimate_policy_value(**given, estimated_rewards_by_reg_model=expected),
    })
print(json.dumps(answers))
