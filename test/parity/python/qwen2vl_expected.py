"""What transformers makes of the parity models: python qwen2vl_expected.py OUT TOKENIZER_DIR

Writes OUT/images, OUT/qwen2_vl, OUT/qwen2_5_vl (models), OUT/expected.json and OUT/<name>.safetensors.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from make_model import TEMPLATE, build, write
from PIL import Image
from safetensors.torch import save_file
from transformers import AutoProcessor
from transformers.image_utils import load_image

OUT, TOKENIZER = Path(sys.argv[1]), Path(sys.argv[2])

TEXTS = [
    "Plain words, with punctuation: (a) 1,234.5 mg/dL?",
    "  leading and   inner   spaces \t tabs\n\n\nnewlines \r\n end  ",
    "Ünïcödé, 中文字符, العربية, हिन्दी, emoji 🩺👩🏽‍⚕️, combining e\u0301 and \u00e9, zero\u200bwidth",
    "it's we'LL I'VE don't 'quoted' ''",
    "<think>why</think> <answer>B</answer> <|im_end|> <|endoftext|><|im_start|>user",
    "1234567890 3.14159 0xFF 10^-3 μg ½ ² ㎏",
    "A)ct scan, B)mri, C)x-ray\nD)ultrasound;E)\u00a0nbsp\u2003em-space",
    "https://example.org/a?b=c&d=%20e#f _snake_case_ CamelCase __init__",
    "",
    " ",
]

PROMPTS = [
    {"images": [], "text": "What is a nodule?"},
    {"images": ["rgb.png"], "text": "What is shown? A)cyst, B)tumor, C)nodule, D)fissure"},
    {"images": ["tall.png"], "text": "Which modality is this?", "system": "Answer in one word."},
    {"images": ["wide.jpg", "grey.png", "small.png"], "text": "Compare the three images."},
    {"images": ["square.png"], "text": "Where is the lesion?"},
]
GREEDY = (0, 1, 3)  # prompts continued by 64 tokens, the others by one
COMPLETION_LENGTHS = [[7, 1, 12], [9, 4, 2], [5, 5, 6], [3, 11, 8], [1, 2, 10]]


def pattern(height: int, width: int, channels: int, seed: int) -> np.ndarray:
    """Smooth waves and some noise, so that resizing and JPEG matter and nothing saturates everywhere."""
    y, x = np.mgrid[0:height, 0:width]
    noise = np.random.default_rng(seed).normal(0, 12, (height, width, channels))
    waves = [128 + 70 * np.sin(x / (5 + c)) + 50 * np.cos(y / (9 - c) + seed) for c in range(channels)]
    return np.clip(np.stack(waves, -1) + noise, 0, 255).astype(np.uint8)


def make_images(folder: Path) -> None:
    folder.mkdir(parents=True)

    def picture(h, w, s):
        return Image.fromarray(pattern(h, w, 3, s))

    picture(75, 100, 0).save(folder / "rgb.png")
    picture(301, 57, 1).save(folder / "tall.png")
    picture(60, 143, 2).save(folder / "wide.jpg", quality=90)
    picture(97, 131, 3).save(folder / "subsampled.jpg", quality=75, subsampling="4:2:0")
    picture(12, 9, 4).save(folder / "small.png")
    picture(112, 112, 5).save(folder / "square.png")
    picture(700, 900, 6).save(folder / "large.png")
    Image.fromarray(pattern(83, 64, 1, 7)[..., 0]).save(folder / "grey.png")
    Image.fromarray(pattern(83, 64, 1, 8)[..., 0]).save(folder / "grey.jpg", quality=90)
    Image.fromarray(pattern(80, 64, 4, 9), "RGBA").save(folder / "rgba.png")
    Image.fromarray(pattern(80, 64, 2, 10), "LA").save(folder / "grey_alpha.png")
    picture(70, 90, 11).quantize(32).save(folder / "palette.png")
    Image.fromarray(pattern(64, 64, 1, 12)[..., 0] > 128).save(folder / "one_bit.png")
    Image.fromarray(pattern(64, 80, 1, 13)[..., 0].astype(np.uint16) * 3).save(folder / "grey16.png")
    picture(70, 90, 14).save(folder / "lossless.webp", lossless=True)
    picture(70, 90, 15).save(folder / "picture.tif")
    picture(70, 90, 16).quantize(64).save(folder / "picture.gif")
    Image.fromarray(pattern(70, 90, 4, 18), "CMYK").save(folder / "cmyk.jpg", quality=90)
    Image.fromarray(pattern(70, 90, 4, 19), "CMYK").save(folder / "cmyk.tif")
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        picture(60, 100, 17).save(folder / f"exif{orientation}.png", exif=exif)


def messages(prompt: dict) -> list:
    content = [{"type": "image"} for _ in prompt["images"]] + [{"type": "text", "text": prompt["text"]}]
    system = [{"role": "system", "content": prompt["system"]}] if "system" in prompt else []
    return [*system, {"role": "user", "content": content}]


def encode(processor, prompt: dict) -> dict:
    images = [load_image(str(OUT / "images" / name)) for name in prompt["images"]]
    text = processor.apply_chat_template(messages(prompt), tokenize=False, add_generation_prompt=True)
    return processor(text=[text], images=images or None, return_tensors="pt")


def extended(inputs: dict, completion: list[int]) -> dict:
    """The prompt followed by a completion, as one sequence."""
    more = torch.tensor([completion])
    out = dict(inputs)
    out["input_ids"] = torch.cat([inputs["input_ids"], more], 1)
    out["attention_mask"] = torch.ones_like(out["input_ids"])
    out["mm_token_type_ids"] = torch.cat([inputs["mm_token_type_ids"], torch.zeros_like(more)], 1)
    return out


def shown_rows(length: int) -> list[int]:
    return sorted({0, length // 3, length // 2, length - 2, length - 1})


def expected_of(family: str, expected: dict) -> None:
    model = build(family, "tiny", std=0.3, tie=family == "qwen2_vl", seed=3)
    write(model, OUT / family, TOKENIZER)
    processor = AutoProcessor.from_pretrained(OUT / family)
    half = build(family, "tiny", std=0.3, tie=family == "qwen2_vl", seed=3).to(torch.bfloat16)
    tensors, prompts = {}, []
    loss = torch.zeros(())
    random = np.random.default_rng(0)
    for i, prompt in enumerate(PROMPTS):
        inputs = encode(processor, prompt)
        length = inputs["input_ids"].shape[1]
        rows = shown_rows(length)
        with torch.no_grad():
            logits = model(**inputs).logits[0]
            tensors[f"logits.{i}"] = logits[rows].contiguous()
            error = half(**inputs).logits[0].float() - logits
            tokens = 64 if i in GREEDY else 1
            # at least as many as at most: an end token among them would cut the comparison short
            options = {"do_sample": False, "min_new_tokens": tokens, "max_new_tokens": tokens}
            greedy = model.generate(**inputs, **options)[0, length:].tolist()
        completions, logps = [], []
        for size in COMPLETION_LENGTHS[i]:
            completion = random.integers(0, 151000, size).tolist()
            sequence = model(**extended(inputs, completion)).logits[0, length - 1 : -1]
            chosen = sequence.log_softmax(-1)[range(size), completion]
            weights = torch.arange(1, size + 1) / 10 * (1 if len(completions) != 1 else -1)
            loss = loss + (chosen * weights).sum()
            completions.append(completion)
            logps.append(chosen.tolist())
        prompts.append(
            prompt
            | {"input_ids": inputs["input_ids"][0].tolist(), "rows": rows, "greedy": greedy}
            | {"completions": completions, "logps": logps, "bfloat16_rms": error.square().mean().sqrt().item()}
        )
    loss.backward()
    for name, weight in model.named_parameters():
        short = name.removeprefix("model.") if ".visual." in f".{name}" else name.replace("language_model.", "")
        tensors[f"grad.{short}"] = weight.grad
    save_file(tensors, OUT / f"{family}.safetensors")
    expected[family] = {"loss": loss.item(), "prompts": prompts}


def main() -> None:
    torch.set_num_threads(2)
    make_images(OUT / "images")
    expected = {"template": TEMPLATE}
    for family in ("qwen2_vl", "qwen2_5_vl"):
        expected_of(family, expected)
    processor = AutoProcessor.from_pretrained(OUT / "qwen2_vl")
    expected["texts"] = [
        {
            "text": text,
            "ids": ids,
            "decoded": processor.tokenizer.decode(ids),
            "clean": processor.tokenizer.decode(ids, skip_special_tokens=True),
        }
        for text in TEXTS
        for ids in [processor.tokenizer(text)["input_ids"]]
    ]
    pixels = {}
    expected["grids"] = {}
    for file in sorted((OUT / "images").iterdir()):
        made = processor.image_processor(load_image(str(file)), return_tensors="pt")
        pixels[file.name] = made["pixel_values"]
        expected["grids"][file.name] = made["image_grid_thw"][0].tolist()
    save_file(pixels, OUT / "pixels.safetensors")
    (OUT / "expected.json").write_text(json.dumps(expected))


if __name__ == "__main__":
    main()
