"""A backend that a test writes the log of: the routes that a live cell asks, in the process of the test."""

import re

import medr1_workbench as wb

DOWN = wb.WorkbenchError("BACKEND_DOWN", "The backend does not answer", "Wait")
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 500


def revision(number=1, step=1, **weights):
    return {
        "revision": number,
        "step": step,
        "weights": weights or {"accuracy": 1.0, "format": 1.0},
        "sources": {"mine": {"source": "x" * 50_000, "sha256": "abc", "runtime": "kernel"}},
        "reason": "",
        "author": "notebook",
        "created_at": 0,
    }


class FakeRuns:
    """One run, "r1". `step()` adds one to its log, `down` makes it answer nothing."""

    def __init__(self, name="one", steps=0, text="<think>a</think><answer>A</answer>"):
        self.text = text
        self.name = name
        self.epoch = "e1"
        self.state = "running"
        self.events = []
        self.rewards = [revision()]
        self.down = False
        self.asked = []
        self.done = []
        self.picture_bytes = PNG
        self.at = 0
        self.step(steps)

    def step(self, count=1, **metrics):
        for _ in range(count):
            at = self.at = self.at + 1
            self.add("step", step=at, metrics={"reward": at / 1000, "kl": None, "rewards/accuracy/mean": 0.5, **metrics}, groups=2)
        return self

    def add(self, kind, **more):
        self.events.append({"kind": kind, "seq": len(self.events) + 1, "time": 1000 * len(self.events), **more})

    def summary(self):
        return {
            "id": "r1",
            "name": self.name,
            "state": self.state,
            "step": self.at,
            "total_steps": 100_000,
            "trainer": "grpo",
            "reward": self.at / 1000,
            "error": None,
            "parent": None,
            "inherited": [],
            "recent_reward": [0.1] * 60,
            "annotations": {"notes": "n" * 10_000},
            "created_at": 0,
            "rollouts_per_s": 1.0,
            "eta_s": 60.0,
        }

    def request(self, method, path, body=None, *, timeout=None, **query):
        self.asked.append((method, path))
        if self.down:
            raise DOWN
        if method != "GET":
            self.done.append((path, body))
            if path.endswith("/actions"):
                self.state = {"pause": "paused", "resume": "running", "stop": "stopped"}[body["action"]]
                self.add("state", step=self.at, state=self.state, error=None)
            if path.endswith("/rewards"):
                self.rewards.append(revision(len(self.rewards) + 1, None, **{**self.rewards[-1]["weights"], **body["weights"]}))
                self.add("rewards", step=self.at, revision=self.rewards[-1], previous={})
            return self.summary()
        return getattr(self, "_" + re.sub(r"^/runs/r1/?", "", path) or "_detail", self._detail)(**query)

    def _detail(self, **_):
        names = sorted({name for event in self.events if event["kind"] == "step" for name in event["metrics"]})
        return {
            "summary": self.summary(),
            "reading": "strict",
            "rewards": self.rewards,
            "checkpoints": [],
            "metric_names": names,
        }

    def _metrics(self, names, max_points=None, **_):
        steps = [event for event in self.events if event["kind"] == "step"]
        kept = steps[:: -(-len(steps) // max_points)] if max_points and steps else steps
        columns = {name: [event["metrics"].get(name) for event in kept] for name in names}
        return {"epoch": self.epoch, "seq": len(self.events), "step": [event["step"] for event in kept], "time": [], "metrics": columns}

    def _events(self, since=0, limit=1000, kinds=None):
        found = [event for event in self.events if event["seq"] > since and (kinds is None or event["kind"] in kinds)]
        return {"epoch": self.epoch, "events": found[:limit]}

    def _groups(self, step, limit=64, offset=0):
        completion = {
            "index": 0,
            "text": self.text,
            "token_ids": list(range(1000)),
            "logprobs": [0.0] * 1000,
            "finish_reason": "stop",
            "rewards": {"accuracy": 1.0},
            "reward": 1.0,
            "advantage": 0.5,
            "prediction": "A",
            "correct": True,
        }
        group = {
            "step": step,
            "group": offset,
            "item_id": "q1",
            "image": "a.png",
            "question": self.text,
            "options": ["cyst", "nodule"],
            "answer": "A",
            "modality": "CT",
            "question_type": "Diagnosis",
            "reading": "strict",
            "prompt": "<think>",
            "completions": [{**completion, "index": index} for index in range(8)],
        }
        return {"groups": [group] if offset < 2 else [], "steps": [1, self.at]}

    def picture(self, route, *parts, **query):
        return "image/png", self.picture_bytes
