"""The model and the processor of a directory, as the parity tests run them: on the CPU, in float32."""

from pathlib import Path

import torch
from transformers import AutoTokenizer, Qwen2VLForConditionalGeneration, Qwen2VLImageProcessor, Qwen2VLProcessor
from transformers.models.qwen2_vl.video_processing_qwen2_vl import Qwen2VLVideoProcessor


def load_model(folder):
    return Qwen2VLForConditionalGeneration.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")


def load_processor(folder):
    """With the sizes of images that the tests give the engine too."""
    folder = Path(folder)
    return Qwen2VLProcessor(
        image_processor=Qwen2VLImageProcessor(min_pixels=784, max_pixels=401408),
        tokenizer=AutoTokenizer.from_pretrained(folder, padding_side="left"),
        video_processor=Qwen2VLVideoProcessor(),
        chat_template=(folder / "chat_template.jinja").read_text(),
    )
