"""Keys of a run's configuration, for editors and type checkers. Made from kernel-bridge/src/protocol by cli/docs.ts: do not edit."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypedDict

if TYPE_CHECKING:
    from .needs import IndexedData

Place = str | os.PathLike[str]
# A name, a file, or a function of this Python.
Reward = str | os.PathLike[str] | Callable[..., Any]


class BesidesVariant(TypedDict, total=False):
    """Every key but `variant`; docs/config.md says what each is."""

    trainer: Literal["grpo", "sft"]
    run_name: str | None
    model_name_or_path: Place
    dataset_name: Place | IndexedData
    dataset_train_split: str | None
    dataset_test_split: str | None
    modality: Sequence[str] | None
    question_type: Sequence[str] | None
    prompt_template: str | None
    reward_funcs: Reward | Sequence[Reward]
    reward_weights: Sequence[float] | None
    reward_weight_schedules: Mapping[str, Any] | None
    reward_parameters: Mapping[str, Any] | None
    scale_rewards: Literal["group", "batch", "none"] | bool
    multi_objective_aggregation: Literal["sum_then_normalize", "normalize_then_sum"]
    num_generations: int
    max_completion_length: int
    temperature: float
    top_p: float
    top_k: int
    min_p: float | None
    repetition_penalty: float
    max_pixels: int
    min_pixels: int
    beta: float
    use_bias_correction_kl: bool
    loss_type: Literal["grpo", "dr_grpo", "bnpo", "dapo", "cispo", "sapo", "luspo", "vespo"]
    importance_sampling_level: Literal["token", "sequence"]
    epsilon: float
    epsilon_high: float | None
    delta: float | None
    num_iterations: int
    sapo_temperature_pos: float
    sapo_temperature_neg: float
    vespo_k_pos: float
    vespo_lambda_pos: float
    vespo_k_neg: float
    vespo_lambda_neg: float
    mask_truncated_completions: bool
    dynamic_sampling: int
    per_device_train_batch_size: int
    gradient_accumulation_steps: int
    optim: Literal["adamw_torch", "adamw_torch_8bit"]
    bf16_update: Literal["master", "stochastic", "kahan"]
    learning_rate: float
    lr_scheduler_type: Literal[
        "linear",
        "cosine",
        "cosine_with_restarts",
        "polynomial",
        "constant",
        "constant_with_warmup",
        "inverse_sqrt",
        "cosine_with_min_lr",
        "cosine_warmup_with_min_lr",
        "warmup_stable_decay",
    ]
    lr_scheduler_kwargs: Mapping[str, Any] | None
    warmup_steps: float
    max_steps: int
    num_train_epochs: float
    max_grad_norm: float
    weight_decay: float
    adam_beta1: float
    adam_beta2: float
    adam_epsilon: float
    seed: int
    dtype: Literal["float32", "bfloat16", "auto"]
    device: str
    devices: int
    exclusive: bool
    processes: int
    dp_shards: int
    ddp_timeout: float
    ddp_join_timeout: float
    freeze_vision: bool
    use_peft: bool
    lora_r: int
    lora_alpha: int
    lora_target_modules: str | Sequence[str] | None
    gradient_checkpointing: bool
    save_steps: float
    save_total_limit: int | None
    metric_for_best_model: str | None
    greater_is_better: bool | None
    eval_steps: float
    eval_samples: int
    probe_steps: int
    trace_steps: Sequence[int] | None


class Configuration(BesidesVariant, total=False):
    """Every key; docs/config.md says what each is."""

    variant: Literal["think", "no-think", "think-after"]


class LiveSettings(TypedDict, total=False):
    """Keys that can be changed while a run trains."""

    num_generations: int
    max_completion_length: int
    temperature: float
    beta: float
    epsilon: float
    epsilon_high: float | None
    delta: float | None
    dynamic_sampling: int
    learning_rate: float
    save_steps: float
    eval_steps: float
