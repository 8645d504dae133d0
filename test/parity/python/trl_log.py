"""What TRL's GRPOTrainer leaves on the disk: python trl_log.py MODEL OUT, with a directory of images beside the model

Six steps of training on questions with an image, two completions each and two questions a step, and an evaluation every second step: its
folder of checkpoints, each with a trainer_state.json, and its tables of completions.
"""

import sys
from pathlib import Path

from datasets import Dataset
from PIL import Image
from small_model import load_model, load_processor
from small_trainer import grpo_config
from trl import GRPOTrainer

MODEL, OUT = Path(sys.argv[1]), Path(sys.argv[2])


def length(completion_ids, log_extra, **_):
    log_extra("tokens", [len(ids) for ids in completion_ids])
    return [float(len(ids)) for ids in completion_ids]


def says_a(completions, **_):
    return [None if not text else float("A" in text[0]["content"]) for text in completions]


rows = Dataset.from_list(
    [
        {"prompt": [{"role": "user", "content": text}], "image": Image.open(path).convert("RGB")}
        for text, path in zip(("it is", "is it", "A is", "B is", "it A", "it B"), sorted((MODEL.parent / "Images").iterdir()), strict=True)
    ]
)
args = grpo_config(
    num_generations=2,
    per_device_train_batch_size=4,
    per_device_eval_batch_size=4,
    max_completion_length=8,
    beta=0.04,
    seed=5,
    max_steps=6,
    logging_steps=1,
    log_completions=True,
    eval_strategy="steps",
    eval_steps=2,
    save_steps=3,
    disable_tqdm=True,
)
args.output_dir = str(OUT)
GRPOTrainer(
    model=load_model(MODEL),
    reward_funcs=[length, says_a],
    args=args,
    train_dataset=rows,
    eval_dataset=rows.select(range(2)),
    processing_class=load_processor(MODEL),
).train()
