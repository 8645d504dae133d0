"""What TRL's own rewards give: cases from standard input as JSON, values to standard output."""

import json
import sys

from trl.rewards import get_repetition_penalty_reward, get_soft_overlong_punishment, think_format_reward

cases = json.load(sys.stdin)
print(
    json.dumps(
        {
            "think_format": think_format_reward([[{"content": text}] for text in cases["texts"]]),
            "repetition_penalty": [get_repetition_penalty_reward(**given)(cases["ids"]) for given in cases["repetition_penalty"]],
            "soft_overlong_punishment": [get_soft_overlong_punishment(**given)(cases["ids"]) for given in cases["overlong"]],
        }
    )
)
