"""What Captum makes of transformers' models: python attribution_expected.py OUT TOKENIZER_DIR

Writes OUT/<family> (models), OUT/image.png and OUT/expected.json.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from captum.attr import FeatureAblation, InputXGradient, IntegratedGradients
from make_model import build, write
from PIL import Image
from transformers import AutoProcessor

OUT, TOKENIZER = Path(sys.argv[1]), Path(sys.argv[2])
HEIGHT, WIDTH = 112, 84  # whole blocks of 28 pixels, so that nothing is resized
BLOCKS = (2, 3)
QUESTION = "What is shown? A)cyst, B)tumor, C)nodule, D)fissure"
BEFORE = "So the answer is <answer> "
TOKEN, AGAINST = "B", ["A", "C"]
SAID = "<think> The edge is round. So it is a cyst. </think> <answer> B </answer>"
#: What is left of it where the reasoning is cut before its first sentence, after it, and not at all.
CUT = ["<think>", "<think> The edge is round.", "<think> The edge is round. So it is a cyst."]
BRIDGE = " </think> <answer>"
LETTERS = [" A", " B", " C", " D"]
TEMPERATURE = 0.7
GREY = 128


def picture() -> Image.Image:
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    waves = [128 + 70 * np.sin(x / (5 + c)) + 50 * np.cos(y / (9 - c)) for c in range(3)]
    return Image.fromarray(np.clip(np.stack(waves, -1), 0, 255).astype(np.uint8))


def score(logits: torch.Tensor, token: int, against: list[int]) -> torch.Tensor:
    """Of the last position, [B]."""
    logps = torch.log_softmax(logits[:, -1].float(), -1)
    own = logps[:, token]
    return own if not against else own - torch.logsumexp(logps[:, against], 1)


def said(model: torch.nn.Module, processor, text: str) -> dict:
    """The five likeliest tokens at each place of SAID, and each letter's probability after CUT + BRIDGE, each by a pass of its own."""
    tokenizer = processor.tokenizer

    def logps(ids: list[int], temperature: float = 1.0) -> torch.Tensor:
        inputs = processor(text=[text], images=[picture()], return_tensors="pt")
        prompt = inputs["input_ids"].shape[1]
        inputs["input_ids"] = torch.cat([inputs["input_ids"], torch.tensor([ids], dtype=torch.long)], 1)
        inputs["attention_mask"] = torch.ones_like(inputs["input_ids"])
        if "mm_token_type_ids" in inputs:
            inputs["mm_token_type_ids"] = torch.cat([inputs["mm_token_type_ids"], torch.zeros((1, len(ids)), dtype=torch.long)], 1)
        with torch.no_grad():
            return torch.log_softmax(model(**inputs).logits[0, prompt - 1 :].float() / temperature, -1)

    ids = tokenizer.encode(SAID, add_special_tokens=False)
    best = logps(ids, TEMPERATURE)[:-1].topk(5)
    letters = [tokenizer.encode(letter, add_special_tokens=False)[0] for letter in LETTERS]
    options = [logps(tokenizer.encode(cut + BRIDGE, add_special_tokens=False))[-1, letters].exp().tolist() for cut in CUT]
    return {
        "said": ids,
        "temperature": TEMPERATURE,
        "top": {"ids": best.indices.tolist(), "logprobs": best.values.tolist()},
        "options": options,
    }


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    picture().save(OUT / "image.png")
    expected = {}
    for family in ("qwen2_vl", "qwen2_5_vl"):
        model = build(family, "tiny", std=0.3, tie=family == "qwen2_vl", seed=3).eval()
        write(model, OUT / family, TOKENIZER)
        processor = AutoProcessor.from_pretrained(OUT / family)
        message = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": QUESTION}]}]
        text = processor.apply_chat_template(message, tokenize=False, add_generation_prompt=True)
        inputs = processor(text=[text + BEFORE], images=[picture()], return_tensors="pt")
        tokenizer = processor.tokenizer
        ids = {word: tokenizer.encode(word, add_special_tokens=False)[0] for word in (TOKEN, *AGAINST)}
        token, against = ids[TOKEN], [ids[word] for word in AGAINST]
        pixels = inputs["pixel_values"]
        image = processor.image_processor
        per_channel = pixels.shape[1] // 3
        grey_patch = torch.cat(
            [torch.full((per_channel,), (GREY / 255 - m) / s) for m, s in zip(image.image_mean, image.image_std, strict=True)]
        )
        grey = grey_patch.expand_as(pixels).clone()

        seen = {}

        def keep(_, args, kwargs, seen=seen):
            seen.update(kwargs)

        handle = model.model.language_model.register_forward_pre_hook(keep, with_kwargs=True)

        def embedded(pixel_values, inputs=inputs, model=model, seen=seen):
            with torch.no_grad():
                model(**{**inputs, "pixel_values": pixel_values})
            return seen["inputs_embeds"].detach().clone()

        x, base = embedded(pixels), embedded(grey)
        positions = seen["position_ids"]
        handle.remove()

        def of_embeddings(x, model=model, positions=positions, token=token, against=against):
            place = positions.expand(-1, x.shape[0], -1)
            hidden = model.model.language_model(inputs_embeds=x, position_ids=place, use_cache=False).last_hidden_state
            return score(model.lm_head(hidden), token, against)

        def of_pixels(pixel_values, model=model, inputs=inputs, token=token, against=against):
            # Captum gives the patches a batch of one; the model knows none.
            with torch.no_grad():
                return score(model(**{**inputs, "pixel_values": pixel_values[0]}).logits, token, against)

        gradient = InputXGradient(of_embeddings).attribute(x).sum(-1)[0]
        integrated = IntegratedGradients(of_embeddings).attribute(x, baselines=base, n_steps=50, method="gausslegendre").sum(-1)[0]

        _, h, w = (int(n) for n in inputs["image_grid_thw"][0])
        rows, columns = h // 2, w // 2
        cell = torch.arange(rows * columns)
        # Rows and columns of blocks by rounded edges, as ours.
        edges = [[round(i * whole / parts) for i in range(parts + 1)] for whole, parts in zip((rows, columns), BLOCKS, strict=True)]
        row = torch.bucketize(cell // columns, torch.tensor(edges[0][1:-1]), right=True)
        column = torch.bucketize(cell % columns, torch.tensor(edges[1][1:-1]), right=True)
        block = (row * BLOCKS[1] + column).repeat_interleave(4)
        mask = block[:, None].expand_as(pixels)[None]
        ablated = FeatureAblation(of_pixels).attribute(pixels[None], baselines=grey[None], feature_mask=mask)[0]
        occluded = [float(ablated[block == b][0, 0]) for b in range(BLOCKS[0] * BLOCKS[1])]

        expected[family] = {
            "text": QUESTION,
            "before": tokenizer.encode(BEFORE, add_special_tokens=False),
            "token": token,
            "against": against,
            "score": float(of_embeddings(x)),
            "baseline": float(of_embeddings(base)),
            "gradient": gradient.tolist(),
            "integrated": integrated.tolist(),
            "blocks": list(BLOCKS),
            "occluded": occluded,
            **said(model, processor, text),
        }
    (OUT / "expected.json").write_text(json.dumps(expected))


main()
