"""A Qwen2-VL whose heads are wider than hidden_size / num_attention_heads.

    python head_dim_expected.py MODEL_DIR INPUTS.json OUT.safetensors

transformers' Qwen2-VL knows the width in its rotary positions alone, so its attention gets matrices of that width here; what it
computes with them is transformers' own.
"""

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, Qwen2VLForConditionalGeneration

directory, inputs, out = Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text()), sys.argv[3]
written = json.loads((directory / "config.json").read_text())
config = AutoConfig.from_pretrained(directory)
config.text_config.head_dim = written["head_dim"]
model = Qwen2VLForConditionalGeneration._from_config(config, attn_implementation="eager")
hidden, width = config.text_config.hidden_size, written["head_dim"]
queries, keys = (width * n for n in (config.text_config.num_attention_heads, config.text_config.num_key_value_heads))
for layer in model.model.language_model.layers:
    attention = layer.self_attn
    attention.head_dim, attention.scaling = width, width**-0.5
    attention.q_proj = torch.nn.Linear(hidden, queries)
    attention.k_proj = torch.nn.Linear(hidden, keys)
    attention.v_proj = torch.nn.Linear(hidden, keys)
    attention.o_proj = torch.nn.Linear(queries, hidden, bias=False)


def path(name: str) -> str:
    return f"model.{name}" if name.startswith("visual.") else name.replace("model.", "model.language_model.", 1)


weights = {path(name): weight for name, weight in load_file(directory / "model.safetensors").items()}
missing, unexpected = model.load_state_dict(weights, strict=False)
assert not unexpected and set(missing) <= {"lm_head.weight"}, (missing, unexpected)
model.tie_weights()
ids = torch.tensor([inputs["ids"]])
with torch.no_grad():
    logits = model.eval()(
        input_ids=ids,
        attention_mask=torch.ones_like(ids),
        pixel_values=torch.tensor(inputs["pixels"]),
        image_grid_thw=torch.tensor([inputs["grid"]]),
        mm_token_type_ids=(ids == config.image_token_id).int(),
    ).logits[0]
save_file({"logits": logits.contiguous()}, out)
