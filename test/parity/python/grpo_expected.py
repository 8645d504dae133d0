"""TRL's own GRPOTrainer on given completions and rewards: python grpo_expected.py CASES.json OUT_DIR

CASES.json holds model directories, groups and settings. Everything but sampling is TRL's code as released: prompts,
lengths, rewards, advantages, old and reference log-probabilities, loss, gradients and metrics. Writes
OUT_DIR/expected.json and OUT_DIR/gradients.safetensors (names: case number, then transformers' name).
"""

import copy
import json
import math
import sys
from pathlib import Path

import torch
from datasets import Dataset
from peft import LoraConfig, set_peft_model_state_dict
from PIL import Image
from safetensors.torch import load_file, save_file
from small_model import load_model, load_processor
from small_trainer import grpo_config
from trl import GRPOTrainer
from trl.trainer import grpo_trainer
from trl.trainer.utils import split_pixel_values_by_grid, split_tensor_dict, unsplit_pixel_values_by_grid

CASES, OUT = json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2])
MODELS = CASES["models"]  # policy, old, ref


LOADED = {name: load_model(folder) for name, folder in MODELS.items()}
WEIGHTS = {name: model.state_dict() for name, model in LOADED.items()}
# The trainer reads its reference model from disk; a copy in memory is the same and quicker.
grpo_trainer.create_model_from_path = lambda *_, **__: copy.deepcopy(LOADED["ref"])
PROCESSOR = load_processor(MODELS["policy"])


def rows(groups):
    """One row per completion, as TRL's sampler repeats each prompt G times."""
    out = []
    for group in groups:
        image = Image.open(group["image"]).convert("RGB")
        for index in range(len(group["completions"])):
            out.append({"prompt": [{"role": "user", "content": group["text"]}], "image": image, "row": len(out), "i": index})
    return out


def reward(name, groups):
    values = [value for group in groups for value in group["rewards"][name]]

    def function(prompts, completions, row, **_):
        return [values[i] for i in row]

    function.__name__ = name
    return function


def run(case, number, gradients):
    settings, groups = case["settings"], CASES["groups"]
    if "last" in case:  # only so many tokens at the end of each completion
        groups = [group | {"completions": [ids[-case["last"] :] for ids in group["completions"]]} for group in groups]
    adapter = case.get("adapter")  # directory of LoRA weights
    inputs = rows(groups)
    G = len(groups[0]["completions"])
    names = list(groups[0]["rewards"])
    micro = settings.pop("per_device_train_batch_size", len(inputs))
    accumulation = len(inputs) // micro
    args = grpo_config(
        num_generations=G,
        per_device_train_batch_size=micro,
        gradient_accumulation_steps=accumulation,
        **settings,
    )
    model = copy.deepcopy(LOADED["policy"])
    trainer = GRPOTrainer(
        model=model,
        reward_funcs=[reward(name, groups) for name in names],
        args=args,
        train_dataset=Dataset.from_list([{"prompt": "x"}]),
        processing_class=PROCESSOR,
        peft_config=LoraConfig.from_pretrained(adapter) if adapter else None,
    )
    trainer.model.train()
    trainer.current_gradient_accumulation_steps = accumulation
    given = [ids for group in groups for ids in group["completions"]]
    trainer._generate_single_turn = lambda *_: (given, None)

    if adapter:
        set_peft_model_state_dict(trainer.model, load_file(f"{adapter}/adapter_model.safetensors"))
    else:
        trainer.model.load_state_dict(WEIGHTS["old" if args.num_iterations > 1 else "policy"])
    batch = trainer._generate_and_score_completions(inputs)
    advantages = batch["advantages"].tolist()
    if not adapter:
        trainer.model.load_state_dict(WEIGHTS["policy"])
    parts = split_tensor_dict(split_pixel_values_by_grid(batch), accumulation)
    loss = 0.0
    for part in parts:
        micro_loss = trainer._compute_loss(trainer.model, unsplit_pixel_values_by_grid(part))
        micro_loss.backward()
        loss += micro_loss.item()
    weights = {name: weight for name, weight in trainer.model.named_parameters() if weight.requires_grad}
    norm = torch.nn.utils.clip_grad_norm_(weights.values(), math.inf).item()
    for name, weight in weights.items():
        if weight.grad is not None:
            gradients[f"{number}.{name}"] = weight.grad.clone()
    metrics = {}
    for key, values in trainer._metrics["train"].items():  # as GRPOTrainer.log
        valid = [value for value in values if not math.isnan(value)]
        metrics[key] = sum(valid) / len(valid) if valid else None
    return {"loss": loss, "grad_norm": norm, "advantages": advantages, "metrics": metrics}


gradients = {}
results = [run(case, number, gradients) for number, case in enumerate(CASES["cases"])]
(OUT / "expected.json").write_text(json.dumps(results))
save_file(gradients, OUT / "gradients.safetensors")
