"""LoRA as PEFT computes it: python lora_expected.py CASES.json OUT_DIR

CASES.json holds adapters that the workbench wrote (directory, base model) and adapters that PEFT is to write (LoraConfig). The inputs are
in OUT_DIR/inputs.safetensors. Writes OUT_DIR/expected.json, OUT_DIR/expected.safetensors and PEFT's adapters.
"""

import json
import sys
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForImageTextToText

CASES, OUT = json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2])
INPUTS = load_file(OUT / "inputs.safetensors")


def base_of(case):
    return AutoModelForImageTextToText.from_pretrained(case["base"], dtype=getattr(torch, case["dtype"]), attn_implementation="eager")


def open_case(case):
    """A PEFT model: one that reads our adapter, or one whose adapter is written here."""
    if "config" not in case:
        return PeftModel.from_pretrained(base_of(case), case["adapter"], is_trainable=True)
    torch.manual_seed(case["seed"])
    model = get_peft_model(base_of(case), LoraConfig(**case["config"]))
    model.base_model.model.name_or_path = case["base"]
    model.peft_config["default"].base_model_name_or_path = case["base"]
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                weight.normal_(0, 0.2)
    model.save_pretrained(case["adapter"])
    return model


def logits_of(model, prompt, completion):
    ids = torch.tensor([prompt["ids"] + completion])
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    if prompt["grids"]:
        inputs["pixel_values"] = INPUTS[prompt["pixels"]].to(model.dtype)
        inputs["image_grid_thw"] = torch.tensor(prompt["grids"])
        inputs["mm_token_type_ids"] = (ids == CASES["image_token_id"]).int()
    return model(**inputs).logits[0]


def run(case, number, tensors):
    model = open_case(case)
    loss = torch.zeros(())
    for i, prompt in enumerate(CASES["prompts"]):
        logits = logits_of(model, prompt, [])
        tensors[f"{number}.logits.{i}"] = logits.detach().float().contiguous()
        with model.disable_adapter(), torch.no_grad():
            tensors[f"{number}.off.{i}"] = logits_of(model, prompt, []).float().contiguous()
        for n, completion in enumerate(prompt["completions"]):
            rows = logits_of(model, prompt, completion)[len(prompt["ids"]) - 1 : -1].float()
            logps = rows.log_softmax(-1)[range(len(completion)), completion]
            loss = loss + (logps * torch.arange(1, len(completion) + 1)).sum() * (1 if n % 2 == 0 else -0.5)
    loss.backward()
    for name, weight in model.named_parameters():
        if weight.requires_grad:
            assert weight.dtype == torch.float32, name
            tensors[f"{number}.grad.{name.replace('.default', '')}"] = weight.grad
    return {"loss": loss.item()}


tensors = {}
results = [run(case, number, tensors) for number, case in enumerate(CASES["cases"])]
(OUT / "expected.json").write_text(json.dumps(results))
save_file(tensors, OUT / "expected.safetensors")
