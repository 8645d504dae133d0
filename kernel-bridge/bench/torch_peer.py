"""The Python side of bench/torch.ts.

Prints microseconds of CPU time per call of `add` and `linear` on 16x16 float32 as JSON, once for every line read.
"""

import json
import sys
import time

import torch
import torch.nn.functional as F

calls = int(sys.argv[1])
torch.set_num_threads(1)
values = torch.arange(256, dtype=torch.float32) / 256
a, b, bias = values.view(16, 16), values.view(16, 16).clone(), values[:16]


def measure(call):
    for _ in range(1000):
        call()
    start = time.thread_time()
    for _ in range(calls):
        call()
    return (time.thread_time() - start) * 1e6 / calls


with torch.no_grad():
    for _ in sys.stdin:
        times = {"add": measure(lambda: torch.add(a, b)), "linear": measure(lambda: F.linear(a, b, bias))}
        print(json.dumps(times), flush=True)
