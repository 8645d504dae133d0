"""Loads model directories with whatever transformers is on the path: python saved_models_load.py IMAGE QUESTION OUT.safetensors DIR...

Writes the logits and token ids of one prompt for each; prints what loading said. PEFT reads the directory of an adapter, with its
base model.
"""

import hashlib
import json
import logging
import sys
import warnings
from pathlib import Path

import torch
import transformers
from PIL import Image
from safetensors.torch import save_file
from transformers import AutoModelForImageTextToText, AutoProcessor

image, question, out, *directories = sys.argv[1:]
torch.set_num_threads(1)
warnings.simplefilter("ignore")


class Heard(logging.Handler):
    def __init__(self):
        super().__init__(logging.WARNING)
        self.messages = []

    def emit(self, record):
        self.messages.append(record.getMessage())


heard = Heard()
transformers.logging.disable_default_handler()
transformers.logging.add_handler(heard)


# 4.49 resizes with Pillow if not told otherwise, and by a pixel value otherwise than the others.
FAST = {"use_fast": True} if transformers.__version__.startswith("4.") else {}
WEIGHTS = ("config.json", "generation_config.json", "model.safetensors", "adapter_config.json", "adapter_model.safetensors")


processors = {}


def processor(directory: Path):
    """One for all directories of the same model type whose other files are the same bytes: a vocabulary takes seconds to read."""
    files = sorted(path for path in directory.iterdir() if path.name not in WEIGHTS)
    config = directory / "config.json"
    kind = json.loads(config.read_text())["model_type"] if config.exists() else None
    key = (kind, *((path.name, hashlib.sha256(path.read_bytes()).hexdigest()) for path in files))
    if key not in processors:
        processors[key] = AutoProcessor.from_pretrained(directory, **FAST)
    return processors[key]


def load(directory: Path):
    if not (directory / "adapter_config.json").exists():
        return AutoModelForImageTextToText.from_pretrained(directory, output_loading_info=True)
    from peft import PeftModel

    base = json.loads((directory / "adapter_config.json").read_text())["base_model_name_or_path"]
    return PeftModel.from_pretrained(AutoModelForImageTextToText.from_pretrained(base), directory), {}


tensors, reports = {}, []
for number, directory in enumerate(map(Path, directories)):
    heard.messages.clear()
    model, loading = load(directory)
    messages = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": question}]}]
    text = processor(directory).apply_chat_template(messages, add_generation_prompt=True)
    inputs = processor(directory)(text=[text], images=[Image.open(image)], return_tensors="pt")
    with torch.no_grad():
        tensors[f"logits.{number}"] = model(**inputs).logits[0].contiguous()
    tensors[f"ids.{number}"] = inputs["input_ids"][0].contiguous()
    reports.append(
        {
            "not_loaded": sorted({*loading.get("missing_keys", []), *loading.get("unexpected_keys", [])}),
            "eos_token_id": model.generation_config.eos_token_id,
            "warnings": list(heard.messages),
        }
    )
save_file(tensors, out)
print(json.dumps({"version": transformers.__version__, "models": reports}))
