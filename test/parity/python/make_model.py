"""Random-weight Qwen2-VL and Qwen2.5-VL in Hugging Face layout, whose outputs the parity tests compare.

    python make_model.py OUT --tokenizer DIR [--family qwen2_vl|qwen2_5_vl] [--size tiny|small|2b] [--std 0.3] ...

DIR holds Qwen2.5's tokenizer.json and tokenizer_config.json, whose ids are Qwen2-VL's too.
"""

import argparse
import json
import shutil
from pathlib import Path

import torch
import transformers

# hidden, layers, heads, kv heads, MLP, M-RoPE sections | vision depth, width, heads
SHAPES = {
    "tiny": ((64, 2, 4, 2, 128, [2, 3, 3]), (3, 32, 2)),
    "small": ((256, 4, 4, 2, 1024, [8, 12, 12]), (4, 128, 4)),
    "2b": ((1536, 28, 12, 2, 8960, [16, 24, 24]), (32, 1280, 16)),
}

# Qwen2-VL's template without its video and "Picture N" branches.
TEMPLATE = """\
{%- for message in messages -%}
{%- if loop.first and message['role'] != 'system' -%}
{{ '<|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n' }}
{%- endif -%}
{{ '<|im_start|>' + message['role'] + '\\n' }}
{%- if message['content'] is string -%}
{{ message['content'] }}
{%- else -%}
{%- for part in message['content'] -%}
{%- if part['type'] == 'image' -%}
{{ '<|vision_start|><|image_pad|><|vision_end|>' }}
{%- elif part['type'] == 'text' -%}
{{ part['text'] }}
{%- endif -%}
{%- endfor -%}
{%- endif -%}
{{ '<|im_end|>\\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}
{{ '<|im_start|>assistant\\n' }}
{%- endif -%}"""

PREPROCESSOR = {
    "image_processor_type": "Qwen2VLImageProcessor",
    "processor_class": "Qwen2VLProcessor",
    "min_pixels": 3136,
    "max_pixels": 12845056,
    "patch_size": 14,
    "temporal_patch_size": 2,
    "merge_size": 2,
    "image_mean": [0.48145466, 0.4578275, 0.40821073],
    "image_std": [0.26862954, 0.26130258, 0.27577711],
}


def build(family: str, size: str, std: float, tie: bool, seed: int):
    (hidden, layers, heads, kv, mlp, sections), (depth, width, vision_heads) = SHAPES[size]
    text = {
        "vocab_size": 151936,
        "hidden_size": hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": kv,
        "intermediate_size": mlp,
        "rms_norm_eps": 1e-6,
        "rope_parameters": {"rope_type": "default", "mrope_section": sections, "rope_theta": 1e6},
        "initializer_range": std,
        "tie_word_embeddings": tie,
        "pad_token_id": 151643,
    }
    vision = {"depth": depth, "num_heads": vision_heads, "initializer_range": std}
    if family == "qwen2_vl":
        vision |= {"embed_dim": width, "hidden_size": hidden, "mlp_ratio": 4}
        config_class, model_class = transformers.Qwen2VLConfig, transformers.Qwen2VLForConditionalGeneration
    else:
        # A window of 56 pixels is 2 x 2 merged patches, so that small images have several, cut ones too.
        vision |= {"hidden_size": width, "out_hidden_size": hidden, "intermediate_size": 3 * width, "window_size": 56}
        vision |= {"fullatt_block_indexes": [1]}
        config_class, model_class = transformers.Qwen2_5_VLConfig, transformers.Qwen2_5_VLForConditionalGeneration
    config = config_class(text_config=text, vision_config=vision, tie_word_embeddings=tie, initializer_range=std)
    torch.manual_seed(seed)
    model = model_class(config)
    with torch.no_grad():  # norms and biases that a mistake would show in, instead of ones and zeros
        for weight in model.parameters():
            if weight.ndim == 1:
                weight.add_(torch.randn_like(weight) * 0.1)
    model.generation_config.eos_token_id = [151645, 151643]
    model.generation_config.pad_token_id = 151643
    return model.eval()


def write(model, out: Path, tokenizer: Path) -> None:
    model.save_pretrained(out)
    shutil.copy(tokenizer / "tokenizer.json", out)
    settings = json.loads((tokenizer / "tokenizer_config.json").read_text())
    settings.pop("chat_template", None)
    (out / "tokenizer_config.json").write_text(json.dumps(settings))
    (out / "chat_template.jinja").write_text(TEMPLATE)
    (out / "preprocessor_config.json").write_text(json.dumps(PREPROCESSOR))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--tokenizer", type=Path, required=True)
    parser.add_argument("--family", choices=["qwen2_vl", "qwen2_5_vl"], default="qwen2_vl")
    parser.add_argument("--size", choices=SHAPES, default="tiny")
    parser.add_argument("--std", type=float, default=0.3, help="0.02 is the real models'; 0.3 gives lively outputs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--untied", action="store_true")
    parser.add_argument("--dtype", choices=["float32", "bfloat16"], default="float32")
    args = parser.parse_args()
    torch.set_default_dtype(getattr(torch, args.dtype))
    write(build(args.family, args.size, args.std, not args.untied, args.seed), args.out, args.tokenizer)
