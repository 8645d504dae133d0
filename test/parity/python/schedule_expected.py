"""Learning rates of transformers' schedules: python schedule_expected.py CASES.json

Prints, for each case, the rates of the updates after 0, 1, ... finished steps, as Trainer makes them.
"""

import json
import sys
from pathlib import Path

import torch
from transformers import TrainingArguments, get_scheduler


def rates(case: dict) -> list[float]:
    total = case["total"]
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=case["learning_rate"])
    warmup = TrainingArguments(warmup_steps=case["warmup_steps"], use_cpu=True).get_warmup_steps(total)
    scheduler = get_scheduler(case["lr_scheduler_type"], optimizer, warmup, total, case["lr_scheduler_kwargs"] or None)
    out = []
    for _ in range(total + 1):
        out.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    return out


print(json.dumps([rates(case) for case in json.loads(Path(sys.argv[1]).read_text())]))
