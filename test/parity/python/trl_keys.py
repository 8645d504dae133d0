"""The keys that TRL's scripts take, and what TRL makes of some values: python trl_keys.py"""

import dataclasses
import json

from transformers import TrainingArguments
from trl import GRPOConfig, ModelConfig, ScriptArguments, SFTConfig, TrlParser

CLASSES = (GRPOConfig, SFTConfig, ModelConfig, ScriptArguments, TrainingArguments)


def parsed(*args: str) -> dict:
    """By TRL's own parser, as from its command line."""
    grpo, model = TrlParser((GRPOConfig, ModelConfig)).parse_args_and_config(["--output_dir", "x", "--use_cpu", "--bf16", "false", *args])
    return {**vars(grpo), **vars(model)}


print(
    json.dumps(
        {
            "keys": sorted({field.name for one in CLASSES for field in dataclasses.fields(one)}),
            "scale_rewards": [GRPOConfig(output_dir="x", use_cpu=True, bf16=False, scale_rewards=v).scale_rewards for v in (True, False)],
            "lora_target_modules": parsed("--lora_target_modules", "all-linear")["lora_target_modules"],
            "numbers": [
                parsed("--learning_rate", "1e-6")["learning_rate"],
                parsed("--use_peft", "yes")["use_peft"],
                parsed("--lr_scheduler_kwargs", '{"num_cycles": 2}')["lr_scheduler_kwargs"],
            ],
        }
    )
)
