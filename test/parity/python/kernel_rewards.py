"""Reward functions called by TRL's GRPOTrainer and by the client's kernel: python kernel_rewards.py CASES.json

CASES.json holds a model directory, images, and a `call` as the backend sends it to a kernel. Both give each function the same completions.
Prints as JSON what a function was called with and gave, and what TRL gives a function in two steps of training.
"""

import asyncio
import copy
import functools
import json
import math
import sys
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import medr1_workbench as wb
import numpy as np
import pandas as pd
import torch
from datasets import Dataset
from medr1_workbench.kernel import Served
from PIL import Image
from small_model import load_model, load_processor
from small_trainer import grpo_config
from trl import GRPOTrainer

CASES = json.loads(Path(sys.argv[1]).read_text())
CALL = CASES["call"]
COUNT = len(CALL["completions"])
# Arguments that are the trainer's and no column.
GIVEN = ("trainer_state", "log_extra", "log_metric")


def numbers():
    return [0.1 * i - 0.3 for i in range(COUNT)]


def with_none():
    return [None if i % 3 == 0 else value for i, value in enumerate(numbers())]


class Judge:
    def __call__(self, completions, **_):
        return [float(len(text)) for text in completions]


class AsyncJudge:
    async def __call__(self, completions, **_):
        await asyncio.sleep(0)
        return [float(len(text)) for text in completions]


def giving(make):
    """A function that returns what `make` makes."""

    def function(completions, **_):
        return make()

    return function


def asynchronous(make):
    async def function(completions, **_):
        await asyncio.sleep(0.001)
        return make()

    return function


def columns(prompts, completions, completion_ids, answer, solution, options, item_id, **_):
    rows = zip(prompts, completions, completion_ids, answer, solution, options, item_id, strict=True)
    return [float(len("".join(map(str, row))) % 17) if row[3] else None for row in rows]


def scaled(scale, completions, **_):
    return [scale * len(text) for text in completions]


def names_some(completions, answer):
    return [float(len(text)) for text in completions]


def state(completions, trainer_state, **_):
    return [trainer_state.global_step + 100.0 * trainer_state.max_steps] * len(completions)


def logs(completions, log_extra, log_metric, **_):
    log_extra("said", list(completions))
    log_metric("share", 0.5)
    return [0.5] * len(completions)


def messages(completions, prompts, **_):
    assert {one["role"] for prompt in prompts for one in prompt} == {"user"}
    assert {one["role"] for completion in completions for one in completion} == {"assistant"}
    return [
        float(len(prompt[-1]["content"]) + len(completion[0]["content"])) for prompt, completion in zip(prompts, completions, strict=True)
    ]


def raises(completions, **_):
    raise ValueError("the judge is away")


PLAIN = {
    "floats": giving(numbers),
    "integers": giving(lambda: list(range(COUNT))),
    "booleans": giving(lambda: [i % 2 == 0 for i in range(COUNT)]),
    "none": giving(with_none),
    "only none": giving(lambda: [None] * COUNT),
    "tuple": giving(lambda: tuple(numbers())),
    "generator": giving(lambda: (value for value in numbers())),
    "array of float64": giving(lambda: np.array(numbers())),
    "array of float32": giving(lambda: np.array(numbers(), np.float32)),
    "array of int8": giving(lambda: np.arange(COUNT, dtype=np.int8)),
    "array of bool": giving(lambda: np.arange(COUNT) % 2 == 0),
    "array of objects": giving(lambda: np.array(with_none(), dtype=object)),
    "numpy scalars": giving(lambda: [np.float32(0.5), np.int64(2), np.bool_(True), None, *(np.float64(v) for v in numbers()[4:])]),
    "arrays of one number": giving(lambda: [np.array(value) for value in numbers()]),
    "tensor": giving(lambda: torch.tensor(numbers())),
    "tensors of one number": giving(lambda: [torch.tensor(value) for value in numbers()]),
    "series": giving(lambda: pd.Series(numbers())),
    "asynchronous floats": asynchronous(numbers),
    "asynchronous none": asynchronous(with_none),
    "asynchronous array": asynchronous(lambda: np.array(numbers())),
    "object": Judge(),
    "asynchronous object": AsyncJudge(),
    "partial": functools.partial(scaled, 2.0),
    "columns": columns,
    "names some": names_some,
    "state": state,
    "logs": logs,
    "raises": raises,
    "asynchronous raises": asynchronous(lambda: 1 / 0),
    "too few": giving(lambda: numbers()[1:]),
    "too many": giving(lambda: [*numbers(), 1.0]),
    "one number": giving(lambda: 0.5),
    "nothing": giving(lambda: None),
    "text": giving(lambda: ["1"] * COUNT),
    "lists": giving(lambda: [[1.0, 2.0]] * COUNT),
    "nan": giving(lambda: [math.nan, *numbers()[1:]]),
    "nan of numpy": giving(lambda: np.array([math.nan, *numbers()[1:]])),
    "infinite": giving(lambda: [math.inf, *numbers()[1:]]),
    "fractions": giving(lambda: [Fraction(1, 2)] * COUNT),
    "decimals": giving(lambda: [Decimal("0.5")] * COUNT),
    "lists of one": giving(lambda: [[1.0]] * COUNT),
}
CONVERSATIONAL = {"messages": messages}


def trainer_of(reward_funcs, rows, **settings):
    return GRPOTrainer(
        model=load_model(CASES["model"]),
        reward_funcs=reward_funcs,
        args=grpo_config(
            save_strategy="no",
            num_generations=4,
            per_device_train_batch_size=8,
            max_completion_length=8,
            disable_tqdm=True,
            **settings,
        ),
        train_dataset=Dataset.from_list(rows),
        processing_class=load_processor(CASES["model"]),
    )


def outcome(work):
    """Values as JSON, or the class of what was raised."""
    try:
        return {"values": [None if math.isnan(value) else value for value in work()]}
    except Exception as error:
        return {"raised": f"{type(error).__name__}: {error}"[:300]}


def by_trl(trainer, function, is_conversational):
    """One function through TRL's own _calculate_rewards, on rows with the columns of the call."""
    prompts, texts, ids = CALL["columns"]["prompts"], CALL["completions"], CALL["columns"]["completion_ids"]
    if is_conversational:
        prompts = [[{"role": "user", "content": text}] for text in prompts]
        texts = [[{"role": "assistant", "content": text}] for text in texts]
    rest = {name: values for name, values in CALL["columns"].items() if name not in ("prompts", "completion_ids")}
    inputs = [{"prompt": prompts[i], **{name: values[i] for name, values in rest.items()}} for i in range(COUNT)]
    trainer.reward_funcs, trainer.reward_func_names = [function], ["function"]
    return outcome(lambda: trainer._calculate_rewards(inputs, prompts, texts, ids)[:, 0].tolist())


def by_kernel(function, is_conversational):
    function = wb.conversational(function) if is_conversational else function
    loop = asyncio.new_event_loop()
    try:
        return Served(function, name="function").evaluate(copy.deepcopy(CALL), loop)
    finally:
        loop.close()


def arguments(is_conversational, trainer):
    """What a function is called with, of TRL and of the kernel."""
    seen = []

    def looks(**given):
        seen.append({name: None if name in GIVEN else value for name, value in given.items()})
        return [0.0] * COUNT

    by_trl(trainer, looks, is_conversational)
    by_kernel(looks, is_conversational)
    return dict(zip(("trl", "kernel"), seen, strict=True))


def in_training():
    """What TRL gives a function in two steps on questions with an image."""
    calls = []

    def looks(completions, completion_ids, trainer_state, **_):
        calls.append(
            {
                "completions": completions,
                "completion_ids": completion_ids,
                "global_step": trainer_state.global_step,
                "max_steps": trainer_state.max_steps,
            }
        )
        return [float(len(ids)) for ids in completion_ids]

    rows = [{"prompt": [{"role": "user", "content": "it is"}], "image": Image.open(path).convert("RGB")} for path in CASES["images"]]
    trainer_of(looks, rows, max_steps=2, logging_strategy="no").train()
    return calls


# An asynchronous function makes it start its loop.
trainer = trainer_of(asynchronous(numbers), [{"prompt": "x"}])
trainer.state.global_step, trainer.state.max_steps = CALL["constants"]["step"] - 1, CALL["constants"]["max_steps"]
results = [
    {"name": name, "trl": by_trl(trainer, function, conversational), "kernel": by_kernel(function, conversational)}
    for functions, conversational in ((PLAIN, False), (CONVERSATIONAL, True))
    for name, function in functions.items()
]
printed = {
    "results": results,
    "arguments": {"plain": arguments(False, trainer), "conversational": arguments(True, trainer)},
    "training": in_training(),
}
print(json.dumps(printed).replace("Infinity", "1e999"))
