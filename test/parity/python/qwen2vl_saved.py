"""Loads saved models with transformers: python qwen2vl_saved.py EXPECTED_DIR SAVED_DIR...

Prints, per saved directory, the largest difference of its logits on prompt 1 from those expected, and whether its tokens are the same.
"""

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file
from transformers import AutoModelForImageTextToText, AutoProcessor
from transformers.image_utils import load_image

expected_dir = Path(sys.argv[1])
expected = json.loads((expected_dir / "expected.json").read_text())
out = []
for saved in map(Path, sys.argv[2:]):
    model, loading = AutoModelForImageTextToText.from_pretrained(saved, output_loading_info=True)
    processor = AutoProcessor.from_pretrained(saved)
    prompt = expected[saved.name]["prompts"][1]
    image = load_image(str(expected_dir / "images" / prompt["images"][0]))
    content = [{"type": "image"}, {"type": "text", "text": prompt["text"]}]
    text = processor.apply_chat_template([{"role": "user", "content": content}], tokenize=False, add_generation_prompt=True)
    inputs = processor(text=[text], images=[image], return_tensors="pt")
    with torch.no_grad():
        logits = model(**inputs).logits[0, prompt["rows"]]
    wanted = load_file(expected_dir / f"{saved.name}.safetensors")["logits.1"]
    report = {
        "difference": (logits - wanted).abs().max().item(),
        "same_tokens": inputs["input_ids"][0].tolist() == prompt["input_ids"],
        "not_loaded": sorted({*loading["missing_keys"], *loading["unexpected_keys"]}),
        "eos_token_id": model.generation_config.eos_token_id,
    }
    out.append(report)
print(json.dumps(out))
