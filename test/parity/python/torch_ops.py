"""Runs the operator cases of torch-cases.ts in Python's torch.

usage: torch_ops.py DIR. DIR/cases.json: [{op, args, tensors: n, dtype}]; DIR/inputs.safetensors: "3.in.0" (tensor 0 of case 3),
"3.seed.0" (gradient of its output 0). Writes DIR/outputs.safetensors: "3.out.0", "3.grad.0".
"""

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

torch.set_num_threads(1)


def function(name):
    for place in (torch, torch._C._nn, torch.ops.aten):
        if hasattr(place, name) and not name.startswith("_"):
            return getattr(place, name)
    return getattr(torch.ops.aten, name)


def resolve(argument, tensors):
    if isinstance(argument, str) and argument.startswith("$"):
        return tensors[int(argument[1:])]
    if isinstance(argument, str) and hasattr(torch, argument) and isinstance(getattr(torch, argument), torch.dtype):
        return getattr(torch, argument)
    if isinstance(argument, list):
        return [resolve(item, tensors) for item in argument]
    return argument


def flat(result):
    if isinstance(result, torch.Tensor):
        return [result]
    return [result] if not isinstance(result, (tuple, list)) else list(result)


def run(index, case, inputs, outputs):
    tensors = []
    for i in range(case["tensors"]):
        tensor = inputs[f"{index}.in.{i}"]
        tensors.append(tensor.requires_grad_() if tensor.is_floating_point() else tensor)
    args, kwargs = case["args"], {}
    if isinstance(args[-1], dict):
        args, kwargs = args[:-1], {name: resolve(value, tensors) for name, value in args[-1].items()}
    results = flat(function(case["op"])(*[resolve(argument, tensors) for argument in args], **kwargs))
    for i, result in enumerate(results):
        outputs[f"{index}.out.{i}"] = torch.as_tensor(result).detach().clone().contiguous()
    seeded = [(result, inputs[f"{index}.seed.{i}"]) for i, result in enumerate(results) if f"{index}.seed.{i}" in inputs]
    leaves = [tensor for tensor in tensors if tensor.requires_grad]
    if not seeded:
        return
    gradients = torch.autograd.grad([r for r, _ in seeded], leaves, [s for _, s in seeded], allow_unused=True)
    for i, gradient in enumerate(gradients):
        if gradient is not None:
            outputs[f"{index}.grad.{i}"] = gradient.clone().contiguous()


folder = Path(sys.argv[1])
inputs, outputs = load_file(folder / "inputs.safetensors"), {}
for index, case in enumerate(json.loads((folder / "cases.json").read_text())):
    try:
        run(index, case, inputs, outputs)
    except Exception as error:
        raise SystemExit(f"case {index} {case['op']}: {error}") from error
save_file(outputs, folder / "outputs.safetensors")
