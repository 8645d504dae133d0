"""Models as transformers 5 saves them, processor included: python saved_models_make.py OUT TOKENIZER_DIR

Writes OUT/image.png and a directory for each case. rope_theta, end tokens and sections are not those that older versions fall back to.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
import transformers
from make_model import write
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers import AutoProcessor

OUT, TOKENIZER = Path(sys.argv[1]), Path(sys.argv[2])
TEXT = {
    "vocab_size": 151936,
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 96,
    "rms_norm_eps": 1e-6,
    "rope_parameters": {"rope_type": "default", "mrope_section": [2, 3, 3], "rope_theta": 5e3},
    "initializer_range": 0.3,
    "max_position_embeddings": 4096,
}
VISION = {"depth": 2, "num_heads": 2, "initializer_range": 0.3}
TOWERS = {
    "Qwen2VL": VISION | {"embed_dim": 32, "hidden_size": 64, "mlp_ratio": 2},
    "Qwen2_5_VL": VISION
    | {"hidden_size": 32, "out_hidden_size": 64, "intermediate_size": 48, "window_size": 56, "fullatt_block_indexes": [1]},
}


def make(name: str, family: str, tie: bool) -> Path:
    config_class = getattr(transformers, f"{family}Config")
    config = config_class(text_config=TEXT, vision_config=TOWERS[family], tie_word_embeddings=tie)
    torch.manual_seed(0)
    model = getattr(transformers, f"{family}ForConditionalGeneration")(config).eval()
    model.generation_config.eos_token_id = [151645, 151643]
    write(model, OUT / name, TOKENIZER)
    processor = AutoProcessor.from_pretrained(OUT / name)
    for file in ("preprocessor_config.json", "tokenizer_config.json", "chat_template.jinja"):
        (OUT / name / file).unlink()
    processor.save_pretrained(OUT / name)
    return OUT / name


make("qwen2_vl", "Qwen2VL", tie=True)
make("qwen2_5_vl", "Qwen2_5_VL", tie=False)

# The config says tied, the file has an output matrix of its own, as some tools leave it.
own = make("own_head", "Qwen2VL", tie=False)
config = json.loads((own / "config.json").read_text())
config["tie_word_embeddings"] = config["text_config"]["tie_word_embeddings"] = True
(own / "config.json").write_text(json.dumps(config))

# Tied, and the one matrix stands under the name of the output.
renamed = make("head_alone", "Qwen2VL", tie=True)
weights = load_file(renamed / "model.safetensors")
weights["lm_head.weight"] = weights.pop("model.embed_tokens.weight")
save_file(weights, renamed / "model.safetensors", metadata={"format": "pt"})

y, x = np.mgrid[0:90, 0:140]
pixels = np.stack([128 + 70 * np.sin(x / 5), 128 + 70 * np.cos(y / 9), 128 + 50 * np.sin((x + y) / 7)], -1)
Image.fromarray(pixels.astype(np.uint8)).save(OUT / "image.png")
