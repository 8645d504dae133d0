"""What TRL's GRPOTrainer leaves on the disk: python trl_log.py MODEL OUT, with a directory of images beside the model

Six steps of training on questions with an image, two completions each and two questions a step, and an evaluation every second step: its
folder of checkpoints, each with a trainer_state.json, and its tables of completions.
"""

import sys
from pathlib import Path

import torch
from datasets import Dataset
from PIL import Image
from transformers import AutoTokenizer, Qwen2VLForConditionalGeneration, Qwen2VLImageProcessor, Qwen2VLProcessor
from transformers.models.qwen2_vl.video_processing_qwen2_vl import Qwen2VLVideoProcessor
from trl import GRPOConfig, GRPOTrainer

MODEL, OUT = Path(sys.argv[1]), Path(sys.argv[2])


def length(completion_ids, log_extra, **_):
    log_extra("tokens", [len(ids) for ids in completion_ids])
    return [float(len(ids)) for ids in completion_ids]


def says_a(completions, **_):
    return [None if not text else float("A" in text[0]["content"]) for text in completions]


processor = Qwen2VLProcessor(
    image_processor=Qwen2VLImageProcessor(min_pixels=784, max_pixels=401408),
    tokenizer=AutoTokenizer.from_pretrained(MODEL, padding_side="left"),
    video_processor=Qwen2VLVideoProcessor(),
    chat_template=(MODEL / "chat_template.jinja").read_text(),
)
rows = Dataset.from_list(
    [
        {"prompt": [{"role": "user", "content": text}], "image": Image.open(path).convert("RGB")}
        for text, path in zip(("it is", "is it", "A is", "B is", "it A", "it B"), sorted((MODEL.parent / "Images").iterdir()), strict=True)
    ]
)
args = GRPOConfig(
    output_dir=OUT,
    report_to=[],
    use_cpu=True,
    bf16=False,
    gradient_checkpointing=False,
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
GRPOTrainer(
    model=Qwen2VLForConditionalGeneration.from_pretrained(MODEL, dtype=torch.float32, attn_implementation="eager"),
    reward_funcs=[length, says_a],
    args=args,
    train_dataset=rows,
    eval_dataset=rows.select(range(2)),
    processing_class=processor,
).train()
