"""torchao's AdamW8bit on given gradients: python low_bit_adamw.py DIR

DIR/start.safetensors: weights `{case}.w` and gradients `{case}.{step}`; DIR/cases.json: settings by case. Writes DIR/expected.safetensors:
`{case}.w`, and codes, scale and values of both moments.
"""

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torchao.optim import AdamW8bit
from torchao.optim.subclass_8bit import OptimState8bit

torch.set_num_threads(1)
folder = Path(sys.argv[1])
start = load_file(folder / "start.safetensors")
out = {}
for case, settings in json.loads((folder / "cases.json").read_text()).items():
    weight = torch.nn.Parameter(start[f"{case}.w"].clone())
    optimiser = AdamW8bit([weight], lr=settings["lr"], betas=(0.9, 0.99), eps=1e-8, weight_decay=settings["weight_decay"])
    for step in range(settings["steps"]):
        weight.grad = start[f"{case}.{step}"].clone()
        optimiser.step()
    out[f"{case}.w"] = weight.detach()
    for name in ("exp_avg", "exp_avg_sq"):
        moment = optimiser.state[weight][name]
        if isinstance(moment, OptimState8bit):
            out[f"{case}.{name}.codes"], out[f"{case}.{name}.scale"] = moment.codes, moment.scale
            out[f"{case}.map.{name}"] = moment.qmap
            moment = moment.dequantize()
        out[f"{case}.{name}"] = moment.contiguous()
save_file(out, folder / "expected.safetensors")
