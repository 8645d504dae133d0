"""The Python side of bench/grpo.ts: python peer.py step|sampling|pass JOB.json

step:     TRL's GRPOTrainer with its transformers engine, whole optimiser steps
sampling: transformers.generate
pass:     one training pass in bare torch over the packed rows of pass.safetensors, as ours makes it

Prints a JSON document a round, and one with what else is known at the end (job.ts: Round, Facts).
"""

import json
import sys
import tempfile
import time
from pathlib import Path

import torch
import torch.nn.functional as F

KIND, JOB = sys.argv[1], json.loads(Path(sys.argv[2]).read_text())
MODEL, DEVICE, DTYPE = Path(JOB["model"]), JOB["device"], getattr(torch, JOB["dtype"])


def peak_bytes():
    if DEVICE != "cpu":
        return torch.cuda.max_memory_allocated()
    status = Path("/proc/self/status").read_text()
    return 1024 * int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1])


def now():
    if DEVICE != "cpu":
        torch.cuda.synchronize()
    return time.perf_counter()


class Clock:
    """One round."""

    def __init__(self):
        self.start, self.cpu = now(), time.process_time()

    def stop(self, **facts):
        seconds, cpu_seconds = now() - self.start, time.process_time() - self.cpu
        print(json.dumps({"seconds": seconds, "cpu_seconds": cpu_seconds, "peak_bytes": peak_bytes(), **facts}), flush=True)


def rounds(work):
    """The job's rounds, after one that warms up."""
    for _ in range(JOB["steps"] + 1):
        clock = Clock()
        work()
        clock.stop()


def load_processor():
    from transformers import AutoTokenizer, Qwen2VLImageProcessor, Qwen2VLProcessor
    from transformers.models.qwen2_vl.video_processing_qwen2_vl import Qwen2VLVideoProcessor

    return Qwen2VLProcessor(
        image_processor=Qwen2VLImageProcessor.from_pretrained(MODEL),
        tokenizer=AutoTokenizer.from_pretrained(MODEL, padding_side="left"),
        video_processor=Qwen2VLVideoProcessor(),
        chat_template=(MODEL / "chat_template.jinja").read_text(),
    )


def step():
    from datasets import Dataset
    from PIL import Image
    from transformers import TrainerCallback
    from trl import GRPOConfig, GRPOTrainer

    sample = []

    class Rounds(TrainerCallback):
        def on_step_begin(self, *_, **__):
            self.clock = Clock()

        def on_step_end(self, *_, **__):
            self.clock.stop(sample_seconds=sample[-1])

    G, micro = JOB["G"], JOB["micro"]
    args = GRPOConfig(
        output_dir=tempfile.mkdtemp(),
        report_to=[],
        save_strategy="no",
        disable_tqdm=True,
        use_cpu=DEVICE == "cpu",
        bf16=False,  # the weights themselves have the dtype
        gradient_checkpointing=False,
        model_init_kwargs={"dtype": JOB["dtype"]},
        num_generations=G,
        per_device_train_batch_size=micro * G,
        gradient_accumulation_steps=len(JOB["images"]) // micro,
        max_completion_length=JOB["tokens"],
        generation_kwargs={"min_new_tokens": JOB["tokens"]},
        max_steps=JOB["steps"] + 1,
        learning_rate=1e-6,
        beta=0.04,
        loss_type="grpo",
        logging_steps=1,
    )
    prompt = [{"role": "user", "content": JOB["text"]}]
    images = [Image.open(path).convert("RGB") for path in JOB["images"]]
    trainer = GRPOTrainer(
        model=str(MODEL),
        reward_funcs=[lambda completions, **_: [float(i % 2) for i in range(len(completions))]],
        args=args,
        train_dataset=Dataset.from_list([{"prompt": prompt, "image": image} for image in images] * (JOB["steps"] + 1)),
        processing_class=load_processor(),
        callbacks=[Rounds()],
    )
    generate = trainer._generate_single_turn

    def timed(*args, **kwargs):
        start = now()
        result = generate(*args, **kwargs)
        sample.append(now() - start)
        assert all(len(ids) == JOB["tokens"] for ids in result[0]), "a completion ended early"
        return result

    trainer._generate_single_turn = timed
    trainer.train()
    return {}


def sampling():
    from PIL import Image
    from transformers import Qwen2VLForConditionalGeneration

    processor = load_processor()
    model = Qwen2VLForConditionalGeneration.from_pretrained(MODEL, dtype=DTYPE).to(DEVICE).eval()
    content = [{"type": "image"}, {"type": "text", "text": JOB["text"]}]
    text = processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True)
    images = [Image.open(path).convert("RGB") for path in JOB["images"]]
    inputs = processor(text=[text] * len(images), images=images, return_tensors="pt", padding=True).to(DEVICE)
    settings = {"do_sample": True, "top_k": 0, "num_return_sequences": JOB["G"]}
    lengths = {"min_new_tokens": JOB["tokens"], "max_new_tokens": JOB["tokens"]}
    with torch.no_grad():
        rounds(lambda: model.generate(**inputs, **settings, **lengths))
    return {}


class Packed:
    """Qwen2-VL over rows of tokens: the prompts' first, each once, then the completions'."""

    def __init__(self):
        from safetensors.torch import load_file

        self.w = {name: weight.to(DEVICE, DTYPE) for name, weight in load_file(MODEL / "model.safetensors").items()}
        self.w = {name.removeprefix("model.") if "visual." in name else name: w for name, w in self.w.items()}
        self.w = {name.replace("language_model.", ""): w.requires_grad_() for name, w in self.w.items()}
        config = json.loads((MODEL / "config.json").read_text())
        self.text, self.vision = config["text_config"], config["vision_config"]
        packed = {name: t.to(DEVICE) for name, t in load_file(JOB["pass"]).items()}
        self.prompts, self.completions = packed["prompts"], packed["completions"]  # [B, P], [N, T]
        self.pixels, self.grid = packed["pixels"].to(DTYPE), packed["grids"][0].tolist()  # [B * patches, ...]
        self.image_rows = (self.prompts.flatten() == config["image_token_id"]).nonzero()[:, 0]
        self.cos, self.sin = self.text_rotation(packed["positions"].float())  # [3, R]
        self.patch_cos, self.patch_sin = self.vision_rotation()
        self.advantages = packed["advantages"][:, None]  # [N, 1]

    def linear(self, name, x):
        return F.linear(x, self.w[f"{name}.weight"], self.w.get(f"{name}.bias"))

    def layer_norm(self, name, x):
        return F.layer_norm(x, x.shape[-1:], self.w[f"{name}.weight"], self.w[f"{name}.bias"], 1e-6)

    def rms_norm(self, name, x):
        return F.rms_norm(x, x.shape[-1:], self.w[f"{name}.weight"], self.text["rms_norm_eps"])

    def text_rotation(self, positions):
        rope = self.text["rope_parameters"]
        D = self.text["hidden_size"] // self.text["num_attention_heads"]
        axis = torch.tensor([i % 3 for i, size in enumerate(rope["mrope_section"]) for _ in range(size)], device=DEVICE)
        frequency = rope["rope_theta"] ** -(torch.arange(0, D, 2, device=DEVICE) / D)
        angles = (positions[axis].t() * frequency).repeat(1, 2)[:, None]  # [R, 1, D]
        return angles.cos().to(DTYPE), angles.sin().to(DTYPE)

    def vision_rotation(self):
        _, h, w = self.grid
        D = self.vision["embed_dim"] // self.vision["num_heads"]
        grid = torch.stack(torch.meshgrid(torch.arange(h), torch.arange(w), indexing="ij"), -1)
        merged = grid.view(h // 2, 2, w // 2, 2, 2).transpose(1, 2).reshape(-1, 2).to(DEVICE)  # 2 x 2 neighbours together
        frequency = 10000.0 ** -(torch.arange(0, D // 2, 2, device=DEVICE) / (D // 2))
        angles = (merged[:, :, None] * frequency).flatten(1).repeat(len(self.prompts), 2)[:, None]  # [B * patches, 1, D]
        return angles.cos(), angles.sin()

    @staticmethod
    def rotate(x, cos, sin):
        a, b = x.chunk(2, -1)
        return x * cos + torch.cat([-b, a], -1) * sin

    def see(self):
        B, E, heads = len(self.prompts), self.vision["embed_dim"], self.vision["num_heads"]
        x = F.linear(self.pixels, self.w["visual.patch_embed.proj.weight"].flatten(1))  # [B * patches, E]
        for i in range(self.vision["depth"]):
            block = f"visual.blocks.{i}"
            qkv = self.linear(f"{block}.attn.qkv", self.layer_norm(f"{block}.norm1", x))
            q, k, v = qkv.view(len(x), 3, heads, E // heads).unbind(1)
            q, k = (self.rotate(t.float(), self.patch_cos, self.patch_sin).to(DTYPE) for t in (q, k))
            q, k, v = (t.view(B, -1, heads, E // heads).transpose(1, 2) for t in (q, k, v))
            seen = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(len(x), E)
            x = x + self.linear(f"{block}.attn.proj", seen)
            h = self.linear(f"{block}.mlp.fc1", self.layer_norm(f"{block}.norm2", x))
            x = x + self.linear(f"{block}.mlp.fc2", h * torch.sigmoid(1.702 * h))
        x = self.layer_norm("visual.merger.ln_q", x).view(-1, 4 * E)
        return self.linear("visual.merger.mlp.2", F.gelu(self.linear("visual.merger.mlp.0", x)))

    def logps(self):
        """Log-probabilities of all completion tokens, [N, T] float32."""
        (B, P), (N, T) = self.prompts.shape, self.completions.shape
        L = T - 1  # the last token predicts nothing
        H, Hkv, D = self.text["num_attention_heads"], self.text["num_key_value_heads"], self.cos.shape[-1]
        embedding = self.w["model.embed_tokens.weight"]
        ids = torch.cat([self.prompts.flatten(), self.completions[:, :L].flatten()])
        x = F.embedding(ids, embedding).index_copy(0, self.image_rows, self.see())
        visible = torch.cat([torch.ones(L, P), torch.ones(L, L).tril()], 1).bool().to(DEVICE)  # [L, P + L]
        mask = torch.zeros(L, P + L, dtype=DTYPE, device=DEVICE).masked_fill(~visible, float("-inf"))
        for i in range(self.text["num_hidden_layers"]):
            layer = f"model.layers.{i}"
            h = self.rms_norm(f"{layer}.input_layernorm", x)
            q = self.rotate(self.linear(f"{layer}.self_attn.q_proj", h).view(-1, H, D), self.cos, self.sin)
            k = self.rotate(self.linear(f"{layer}.self_attn.k_proj", h).view(-1, Hkv, D), self.cos, self.sin)
            v = self.linear(f"{layer}.self_attn.v_proj", h).view(-1, Hkv, D)
            qp, kp, vp = (t[: B * P].view(B, P, -1, D).transpose(1, 2) for t in (q, k, v))
            qo, ko, vo = (t[B * P :].view(N, L, -1, D).transpose(1, 2) for t in (q, k, v))
            first = F.scaled_dot_product_attention(qp, kp, vp, is_causal=True, enable_gqa=True)
            keys, values = (torch.cat([shared.repeat_interleave(N // B, 0), own], 2) for shared, own in ((kp, ko), (vp, vo)))
            rest = F.scaled_dot_product_attention(qo, keys, values, attn_mask=mask, enable_gqa=True)
            seen = torch.cat([t.transpose(1, 2).reshape(-1, H * D) for t in (first, rest)])
            x = x + self.linear(f"{layer}.self_attn.o_proj", seen)
            h = self.rms_norm(f"{layer}.post_attention_layernorm", x)
            gated = F.silu(self.linear(f"{layer}.mlp.gate_proj", h)) * self.linear(f"{layer}.mlp.up_proj", h)
            x = x + self.linear(f"{layer}.mlp.down_proj", gated)
        last = x[: B * P].view(B, P, -1)[:, -1:].repeat_interleave(N // B, 0)  # predicts a completion's first token
        hidden = torch.cat([last, x[B * P :].view(N, L, -1)], 1).flatten(0, 1)  # [N * T, hidden]
        head = embedding if "lm_head.weight" not in self.w else self.w["lm_head.weight"]
        logits = F.linear(self.rms_norm("model.norm", hidden), head).float()
        return -F.cross_entropy(logits, self.completions.flatten(), reduction="none").view(N, T)

    def __call__(self):
        logp = self.logps()
        rho = torch.exp(logp - logp.detach())
        (-(rho * self.advantages).mean(1).mean()).backward()
        for weight in self.w.values():
            weight.grad = None
        return logp


def training_pass():
    packed = Packed()
    rounds(packed)
    with torch.no_grad():
        return {"mean_logp": packed.logps().mean().item()}


print(json.dumps({"step": step, "sampling": sampling, "pass": training_pass}[KIND]()))
