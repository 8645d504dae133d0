"""Settings of TRL's GRPOTrainer as the parity tests run it."""

import tempfile

from trl import GRPOConfig


def grpo_config(**settings):
    """GRPOConfig on the CPU that reports nothing; `settings` are TRL's own."""
    fixed = {"report_to": [], "use_cpu": True, "bf16": False, "gradient_checkpointing": False}
    return GRPOConfig(output_dir=tempfile.mkdtemp(), **fixed, **settings)
