"""What torch-training.test.ts compares with: AdamW steps, gradient clipping and random numbers of Python's torch.

usage: torch_training.py DIR. DIR/start.safetensors: w, b, x, y. Writes DIR/expected.safetensors and DIR/norms.json.
"""

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

torch.set_num_threads(1)
folder = Path(sys.argv[1])
start = load_file(folder / "start.safetensors")
out, norms = {}, []

for dtype in (torch.float32, torch.bfloat16):
    w, b = (torch.nn.Parameter(start[name].to(dtype).clone()) for name in "wb")
    # Cloned: a mapped file is aligned to 8 bytes, and sums differ in the last bit with the alignment.
    x, y = start["x"].to(dtype).clone(), start["y"].to(dtype).clone()
    groups = [{"params": [w], "weight_decay": 0.1}, {"params": [b], "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=1e-2, betas=(0.9, 0.99), eps=1e-8, fused=True)
    for step in range(20):
        for group in optimiser.param_groups:
            group["lr"] = 1e-2 * (1 - step / 20)
        loss = torch.nn.functional.mse_loss(torch.tanh(torch.nn.functional.linear(x, w, b)), y)
        loss.backward()
        norms.append(torch.nn.utils.clip_grad_norm_([w, b], 0.1).item())
        optimiser.step()
        optimiser.zero_grad()
    name = str(dtype).removeprefix("torch.")
    for key, value in (("w", w), ("b", b), ("exp_avg_sq", optimiser.state[w]["exp_avg_sq"])):
        out[f"{name}.{key}"] = value.detach().clone()

generator = torch.Generator().manual_seed(7)
out["rand"] = torch.rand(5, generator=generator)
out["state"] = generator.get_state()
torch.manual_seed(3)
out["randn"] = torch.randn(5)
save_file(out, folder / "expected.safetensors")
(folder / "norms.json").write_text(json.dumps(norms))
