"""What Captum makes of transformers' models: python attribution_expected.py OUT TOKENIZER_DIR SEED COUNT

Writes OUT/<case> (models), OUT/<case>-<n>.png and OUT/expected.json. Cases are one a family, two chosen by hand, and COUNT drawn
by SEED: models, sizes and numbers of images, lengths of prompt, token and letters set against it, blocks.
"""

import gc
import json
import random
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from captum.attr import FeatureAblation, InputXGradient, IntegratedGradients
from make_model import build, write
from PIL import Image
from transformers import AutoProcessor

OUT, TOKENIZER = Path(sys.argv[1]), Path(sys.argv[2])
SEED, COUNT = int(sys.argv[3]), int(sys.argv[4])
QUESTION = "What is shown? A)cyst, B)tumor, C)nodule, D)fissure"
BEFORE = "So the answer is <answer> "
SAID = "<think> The edge is round. So it is a cyst. </think> <answer> B </answer>"
#: What is left of it where the reasoning is cut before its first sentence, after it, and not at all.
CUT = ["<think>", "<think> The edge is round.", "<think> The edge is round. So it is a cyst."]
BRIDGE = " </think> <answer>"
LETTERS = [" A", " B", " C", " D"]
TEMPERATURE = 0.7
GREY = 128
#: Pixels of a merged token's side.
TOKEN_SIDE = 28


@dataclass
class Case:
    family: str
    model_seed: int
    #: Height and width in merged tokens.
    images: list[tuple[int, int]]
    question: str
    before: str
    token: str
    against: list[str]
    #: Rows and columns of occlusion, of which image.
    blocks: tuple[int, int]
    occluded: int


def cases() -> dict[str, Case]:
    usual = {"question": QUESTION, "before": BEFORE, "token": "B", "against": ["A", "C"]}
    long = " ".join(["The patient was seen before."] * 40)
    chosen = {family: Case(family, 3, [(4, 3)], **usual, blocks=(2, 3), occluded=0) for family in ("qwen2_vl", "qwen2_5_vl")}
    chosen["two-images"] = Case("qwen2_5_vl", 4, [(2, 5), (3, 3)], f"{long} {QUESTION}", BEFORE, "B", ["A"], (2, 2), 1)
    chosen["smallest"] = Case("qwen2_vl", 5, [(2, 2)], "Yes?", "", "no", [], (1, 1), 0)
    rng = random.Random(SEED)
    for n in range(COUNT):
        # of four tokens at least, which the processor does not enlarge
        sizes = [(rng.randint(1, 8), rng.randint(1, 8)) for _ in range(99)]
        images = [(h, w) for h, w in sizes if h * w >= 4][: rng.choice([1, 1, 1, 2, 3])]
        occluded = rng.randrange(len(images))
        height, width = images[occluded]
        token, *others = rng.sample(["A", "B", "C", "D", "no", "cyst"], 6)
        chosen[f"drawn-{n}"] = Case(
            family=rng.choice(["qwen2_vl", "qwen2_5_vl"]),
            model_seed=rng.randrange(1000),
            images=images,
            question=" ".join(["Once more:"] * rng.choice([0, 0, 5, 100]) + [QUESTION]),
            before=rng.choice(["", BEFORE, SAID]),
            token=token,
            against=others[: rng.choice([0, 0, 1, 3])],
            blocks=(rng.randint(1, height), rng.randint(1, width)),
            occluded=occluded,
        )
    return chosen


def picture(size: tuple[int, int], n: int) -> Image.Image:
    y, x = np.mgrid[0 : size[0] * TOKEN_SIDE, 0 : size[1] * TOKEN_SIDE]
    waves = [128 + 70 * np.sin(x / (5 + c + n)) + 50 * np.cos(y / (9 - c)) for c in range(3)]
    return Image.fromarray(np.clip(np.stack(waves, -1), 0, 255).astype(np.uint8))


def score(logits: torch.Tensor, token: int, against: list[int]) -> torch.Tensor:
    """Of the last position, [B]."""
    logps = torch.log_softmax(logits[:, -1].float(), -1)
    own = logps[:, token]
    return own if not against else own - torch.logsumexp(logps[:, against], 1)


def said(model: torch.nn.Module, processor, text: str, pictures: list[Image.Image]) -> dict:
    """The five likeliest tokens at each place of SAID, and each letter's probability after CUT + BRIDGE, each by a pass of its own."""
    tokenizer = processor.tokenizer

    def logps(ids: list[int], temperature: float = 1.0) -> torch.Tensor:
        inputs = processor(text=[text], images=pictures, return_tensors="pt")
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
    expected = {}
    for name, case in cases().items():
        model = build(case.family, "tiny", std=0.3, tie=case.family == "qwen2_vl", seed=case.model_seed).eval()
        write(model, OUT / name, TOKENIZER)
        processor = AutoProcessor.from_pretrained(OUT / name)
        pictures = [picture(size, n) for n, size in enumerate(case.images)]
        for n, one in enumerate(pictures):
            one.save(OUT / f"{name}-{n}.png")
        message = [{"role": "user", "content": [{"type": "image"}] * len(pictures) + [{"type": "text", "text": case.question}]}]
        text = processor.apply_chat_template(message, tokenize=False, add_generation_prompt=True)
        inputs = processor(text=[text + case.before], images=pictures, return_tensors="pt")
        tokenizer = processor.tokenizer
        ids = {word: tokenizer.encode(word, add_special_tokens=False)[0] for word in (case.token, *case.against)}
        token, against = ids[case.token], [ids[word] for word in case.against]
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
            return score(model.lm_head(hidden[:, -1:]), token, against)

        def of_pixels(pixel_values, model=model, inputs=inputs, token=token, against=against):
            # Captum gives the patches a batch of one; the model knows none.
            with torch.no_grad():
                return score(model(**{**inputs, "pixel_values": pixel_values[0]}).logits, token, against)

        gradient = InputXGradient(of_embeddings).attribute(x).sum(-1)[0]
        integrated = IntegratedGradients(of_embeddings).attribute(x, baselines=base, n_steps=50, method="gausslegendre").sum(-1)[0]

        sizes = [(int(h) // 2, int(w) // 2) for _, h, w in inputs["image_grid_thw"]]
        assert sizes == case.images, "nothing is resized"
        rows, columns = sizes[case.occluded]
        first = sum(h * w for h, w in sizes[: case.occluded])
        cell = torch.arange(rows * columns)
        # Rows and columns of blocks by rounded edges, as ours.
        edges = [
            [int(i * whole / parts + 0.5) for i in range(parts + 1)] for whole, parts in zip((rows, columns), case.blocks, strict=True)
        ]
        row = torch.bucketize(cell // columns, torch.tensor(edges[0][1:-1]), right=True)
        column = torch.bucketize(cell % columns, torch.tensor(edges[1][1:-1]), right=True)
        # All other images are one block more, of which nothing is asked.
        count = case.blocks[0] * case.blocks[1]
        block = torch.full((pixels.shape[0],), count)
        block[4 * first : 4 * (first + rows * columns)] = (row * case.blocks[1] + column).repeat_interleave(4)
        mask = block[:, None].expand_as(pixels)[None]
        ablated = FeatureAblation(of_pixels).attribute(pixels[None], baselines=grey[None], feature_mask=mask)[0]
        occluded = [float(ablated[block == b][0, 0]) for b in range(count)]

        expected[name] = {
            "text": case.question,
            "images": len(pictures),
            "before": tokenizer.encode(case.before, add_special_tokens=False),
            "token": token,
            "against": against,
            "score": float(of_embeddings(x)),
            "baseline": float(of_embeddings(base)),
            "gradient": gradient.tolist(),
            "integrated": integrated.tolist(),
            "blocks": list(case.blocks),
            "image": case.occluded,
            "occluded": occluded,
            **(said(model, processor, text, pictures) if name == case.family else {}),
        }
        gc.collect()  # closures hold a model of 40 MB and its gradients
    (OUT / "expected.json").write_text(json.dumps(expected))


main()
