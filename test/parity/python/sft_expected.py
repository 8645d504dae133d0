"""transformers' own label loss: python sft_expected.py CASES.json OUT.json

CASES.json: {"model", "examples": [{"image", "text", "target": ids}]}. The loss is on the target tokens alone.
"""

import json
import sys
from pathlib import Path

import torch
from PIL import Image
from small_model import load_model, load_processor

cases = json.loads(Path(sys.argv[1]).read_text())
processor, model = load_processor(cases["model"]), load_model(cases["model"])
tokens = sum(len(example["target"]) for example in cases["examples"])
total = 0.0
for example in cases["examples"]:
    content = [{"type": "image"}, {"type": "text", "text": example["text"]}]
    text = processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True)
    inputs = processor(images=[Image.open(example["image"]).convert("RGB")], text=[text], return_tensors="pt")
    target = torch.tensor([example["target"]])
    prompt = inputs["input_ids"]
    inputs["input_ids"] = torch.cat([prompt, target], 1)
    inputs["attention_mask"] = torch.ones_like(inputs["input_ids"])
    inputs["mm_token_type_ids"] = torch.cat([inputs["mm_token_type_ids"], torch.zeros_like(target)], 1)
    labels = torch.cat([torch.full_like(prompt, -100), target], 1)
    loss = model(**inputs, labels=labels, num_items_in_batch=tokens).loss
    loss.backward()
    total += loss.item()
norm = torch.nn.utils.clip_grad_norm_(model.parameters(), float("inf")).item()
Path(sys.argv[2]).write_text(json.dumps({"loss": total, "grad_norm": norm}))
