"""What transformers makes of the tiny model that ships: token ids of tricky texts, and a greedy reply to one drawn image.

python tiny_model_expected.py MODEL_DIR IMAGE QUESTION OUT.json
"""

import json
import sys

import torch
from PIL import Image
from transformers import AutoProcessor, Qwen2VLForConditionalGeneration

directory, image, question, out = sys.argv[1:]
torch.set_num_threads(1)

processor = AutoProcessor.from_pretrained(directory)
texts = [
    "Which? A)lung, B)CT, C)mild., D)Naïve µ",
    "<think>This CT image</think><answer> A </answer><|im_end|>",
    question,
    f"x {question.split('? ')[-1]} y",
    "it's  two\n\nlines 🩺",
]
model, loading = Qwen2VLForConditionalGeneration.from_pretrained(directory, dtype=torch.float32, output_loading_info=True)
messages = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": question}]}]
prompt = processor.apply_chat_template(messages, add_generation_prompt=True)
inputs = processor(text=[prompt], images=[Image.open(image)], return_tensors="pt")
made = model.generate(**inputs, do_sample=False, max_new_tokens=48)

with open(out, "w") as file:
    json.dump(
        {
            "tokenizer": type(processor.tokenizer).__name__,
            "texts": [{"text": t, "ids": processor.tokenizer(t).input_ids} for t in texts],
            "missing": sorted(loading["missing_keys"]) + sorted(loading["unexpected_keys"]),
            "prompt_ids": inputs["input_ids"][0].tolist(),
            "reply_ids": made[0, inputs["input_ids"].shape[1] :].tolist(),
        },
        file,
    )
