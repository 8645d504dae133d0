"""Reward functions of this Python, evaluated here for runs of the backend.

A thread polls the backend: it says what is served and takes calls. Each function has a thread of its own, so that one that waits for a
service delays no other, and its answer goes back by itself. Texts and numbers travel; the function never leaves this process.
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import functools
import hashlib
import inspect
import itertools
import math
import queue
import textwrap
import threading
import time
import traceback
import uuid
from collections.abc import Callable, Iterator, Mapping, Set
from typing import Any, NamedTuple

import httpx

from .ask import Asks, ask
from .errors import WorkbenchError

# How long the backend keeps a poll open, and how long its answer is waited for.
WAIT_S = 5.0
POLL = httpx.Timeout(connect=5.0, read=60.0, write=30.0, pool=30.0)
# Between two tries while the backend is away.
AGAIN_S = 1.0
# Late answers that are kept, for a call that is delivered twice.
MOST_KEPT = 64
ON_TIMEOUT = ("pause", "skip")


class KeptReward:
    """What a decorator leaves in place of the function: called as it is, with what the backend knows of it."""

    def __init__(self, served: Served) -> None:
        self.function = served.function
        self.name = served.name
        self.source = served.source
        self.sha256 = served.sha256
        functools.update_wrapper(self, served.function, updated=())

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<reward {self.name}, sha256 {self.sha256[:12]}>"


class Served:
    """One function as it was when it was given: name, source, and how it is called."""

    def __init__(self, function: Callable[..., Any], *, name: str | None = None, timeout: float = 60.0, on_timeout: str = "pause") -> None:
        function = getattr(function, "function", function) if isinstance(function, KeptReward) else function
        if not callable(function):
            raise TypeError(f"{function!r} is no function")
        if on_timeout not in ON_TIMEOUT:
            raise ValueError(f"on_timeout is {on_timeout!r}: give 'pause' or 'skip'")
        if not (isinstance(timeout, int | float) and 0 < timeout <= 86_400):
            raise ValueError(f"timeout is {timeout!r}: give seconds, above 0 and at most 86400")
        self.function = function
        self.name = name or name_of(function)
        self.source, self._first_line = source_of(function)
        self.timeout_s = float(timeout)
        self.on_timeout = on_timeout
        self.tests = list(getattr(function, "medr1_tests", ()))
        self.sha256 = hashlib.sha256(self.source.encode()).hexdigest()

    def as_json(self) -> dict[str, Any]:
        known = {"name": self.name, "source": self.source, "timeout_s": self.timeout_s, "on_timeout": self.on_timeout}
        return {**known, "tests": self.tests} if self.tests else known

    def evaluate(self, call: dict[str, Any], loop: asyncio.AbstractEventLoop) -> dict[str, Any]:
        """A KernelOutcome: values, or what was wrong with them. Never throws for what the function does."""
        count = len(call["completions"])
        try:
            result = self.function(**_taken(self.function, arguments_of(call)))
            if inspect.isawaitable(result):
                result = loop.run_until_complete(_awaited(result))
            return values_of(result, count)  # a generator runs here
        except BaseException as error:  # SystemExit and KeyboardInterrupt of the function end no thread
            return _failure("threw", f"{type(error).__name__}: {_said(error)}{_hint(error)}", self._line_of(error))

    def _line_of(self, error: BaseException) -> int | None:
        """Where in the source the error came from, counted from its `def`."""
        code = getattr(_plain_function(self.function), "__code__", None)
        if code is None or self._first_line is None:
            return None
        frames = [line for frame, line in traceback.walk_tb(error.__traceback__) if frame.f_code.co_filename == code.co_filename]
        lines = [line - self._first_line + 1 for line in frames]
        inside = [line for line in lines if 1 <= line <= self.source.count("\n") + 1]
        return inside[-1] if inside else None


async def _awaited(result: Any) -> Any:
    return await result


def conversational(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function with completions and prompts as lists of messages, as TRL gives them where prompts are messages.

    @run.reward(weight=0.5)
    @wb.conversational
    def accuracy(completions, solution, **_):
        return [float(each[0]["content"] == right) for each, right in zip(completions, solution)]
    """

    @functools.wraps(function)
    def called(**given: Any) -> Any:
        for name, role in (("completions", "assistant"), ("prompts", "user")):
            if name in given:
                given[name] = [[{"role": role, "content": text}] for text in given[name]]
        return function(**given)

    called.__name__ = name_of(function)
    called.medr1_note = "# completions and prompts are lists of messages\n"  # type: ignore[attr-defined]
    return called


def tested(*tests: Mapping[str, Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Gives a reward function tests of its own: a completion, the value that is expected of it (None where it does not apply), and entries
    of the columns by name. It is refused when it fails one, and the Rewards view says how many it passes.

    @run.reward(weight=0.5)
    @wb.tested({"completion": "<answer> A </answer>", "answer": "A", "expected": 1.0})
    def accuracy(completions, answer, **_):
        return [float(f" {right} " in text) for text, right in zip(completions, answer)]
    """
    for number, test in enumerate(tests, 1):
        whole = isinstance(test, Mapping) and isinstance(test.get("completion"), str) and "expected" in test
        if not whole or (test["expected"] is not None and not math.isfinite(_number(test["expected"]) or 0.0)):
            raise TypeError(f'test {number} is {test!r}: give {{"completion": text, "expected": number or None}} and columns by name')

    def with_tests(function: Callable[..., Any]) -> Callable[..., Any]:
        if isinstance(function, KeptReward):
            raise TypeError("put @wb.tested below @run.reward, next to the function")
        plain = [{**test, "expected": None if test["expected"] is None else float(test["expected"])} for test in tests]
        function.medr1_tests = plain  # type: ignore[attr-defined]
        return function

    return with_tests


def _said(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # of a class whose __str__ is broken
        return "it cannot be told"


def _hint(error: BaseException) -> str:
    """Functions written for TRL's conversational data take a message of what is a text here."""
    is_of_text = isinstance(error, TypeError) and "string indices must be integers" in str(error)
    return ". Completions are texts; for lists of messages put @wb.conversational above the function" if is_of_text else ""


def _failure(kind: str, what: str, line: int | None = None, completion: int | None = None) -> dict[str, Any]:
    return {"failure": {"kind": kind, "what": what[:2000], "line": line, "completion": completion}}


class TrainerState(NamedTuple):
    """What a function may know of the run, under the names of transformers' TrainerState."""

    global_step: int
    max_steps: int | None

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"trainer_state has global_step and max_steps, and no {name}: the run trains in another process")


def arguments_of(call: dict[str, Any]) -> dict[str, Any]:
    """The keyword arguments of TRL: prompts, completions, completion_ids, every column, and trainer_state."""
    constants = call["constants"]
    step = constants.get("step")
    # TRL counts the updates that are done: those before the step that the completions were sampled for.
    state = TrainerState(0 if step is None else max(step - 1, 0), constants.get("max_steps"))
    logs = {"log_extra": _keeps_nothing, "log_metric": _keeps_nothing}
    return {**call["columns"], "completions": call["completions"], "trainer_state": state, **logs}


def _keeps_nothing(*_: Any, **__: Any) -> None:
    """In place of TRL's log_extra and log_metric, so that a function that calls them runs as it stands."""


def _taken(function: Callable[..., Any], given: dict[str, Any]) -> dict[str, Any]:
    """Those arguments that the function names; all of them where it has **kwargs."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return given
    if any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters):
        return given
    return {parameter.name: given[parameter.name] for parameter in parameters if parameter.name in given}


def values_of(result: Any, count: int) -> dict[str, Any]:
    """One finite number or None for each completion, from a list, a tuple, or an array of numpy, torch or pandas."""
    if hasattr(result, "tolist"):
        result = result.tolist()
    # a set has no order
    if isinstance(result, str | bytes | Mapping | Set) or not hasattr(result, "__iter__"):
        return _failure("length", f"{type(result).__name__} for {count} completions")
    values: list[float | None] = []
    for index, value in enumerate(itertools.islice(result, count + 1)):  # a generator may have no end
        number = _number(value)
        if number is not None and not math.isfinite(number):
            said = repr(value) if len(repr(value)) < 200 else type(value).__name__
            return _failure("value", said, completion=index if index < count else None)
        values.append(number)
    if len(values) != count:
        many = len(result) if hasattr(result, "__len__") else len(values) if len(values) < count else f"more than {count}"
        return _failure("length", f"{many} values for {count} completions")
    return {"values": values}


def _number(value: Any) -> float | None:
    """None for None, NaN for what is no number."""
    if value is None:
        return None
    if hasattr(value, "item") and getattr(value, "size", 1) in (1, ()):  # a number of numpy, or an array that holds one
        value = value.item()
    if isinstance(value, str | bytes):
        return math.nan
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan


def _plain_function(function: Callable[..., Any]) -> Any:
    """What the source is of: the function below wrappers, the class of a callable object."""
    if isinstance(function, functools.partial):
        return _plain_function(function.func)
    function = inspect.unwrap(function)
    return function if inspect.isroutine(function) or inspect.isclass(function) else type(function)


def name_of(function: Callable[..., Any]) -> str:
    if isinstance(function, functools.partial):
        return name_of(function.func)
    name = getattr(function, "__name__", None) or type(function).__name__
    if name == "<lambda>":
        raise WorkbenchError(
            "REWARD_NAME", "A lambda has no name", 'Write the function with def, or name it: run.reward(function, name="my_reward").'
        )
    return name


def source_of(function: Callable[..., Any]) -> tuple[str, int | None]:
    """The source without decorators and indentation, and the line of its file that it begins at; a partial's arguments stand below it."""
    plain = _plain_function(function)
    try:
        lines, first = inspect.getsourcelines(plain)
        text = textwrap.dedent("".join(lines))
        skipped = _decorator_lines(text)
        source = "\n".join(text.splitlines()[skipped:]) + "\n"
        begins: int | None = max(first, 1) + skipped
    except (OSError, TypeError):
        code = getattr(plain, "__code__", None)
        known = hashlib.sha256(code.co_code + repr(code.co_consts).encode()).hexdigest() if code else repr(plain)
        source, begins = f"# {getattr(plain, '__qualname__', plain)}: its source cannot be read; bytecode {known}\n", None
    source += getattr(function, "medr1_note", "")
    if isinstance(function, functools.partial):
        source += f"# called with {function.args!r} {function.keywords!r}\n"
    return source, begins


def _decorator_lines(text: str) -> int:
    try:
        body = ast.parse(text).body
    except SyntaxError:  # a lambda in the middle of an expression
        return 0
    return body[0].lineno - 1 if body and isinstance(body[0], ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) else 0


class RewardHost:
    """What this Python serves to one backend. Functions stay served until `withdraw`: a run may go back to an earlier revision."""

    def __init__(self, client: Asks) -> None:
        self.id = uuid.uuid4().hex
        self._client = client
        self._lock = threading.Lock()
        self._served: dict[tuple[str, str], Served] = {}
        self._workers: dict[tuple[str, str], _Worker] = {}
        self._poller: threading.Thread | None = None

    def serve(self, *served: Served) -> None:
        """Returns once the backend knows them. Raises WorkbenchError, and nothing has changed, when it takes one not."""
        if not served:
            return
        before = self._listed()
        with self._lock:
            for one in served:
                key = (one.name, one.sha256)
                self._served.pop(key, None)
                self._served[key] = one
                # What an earlier definition has not finished, as one that hangs, is asked of this one; the first answer counts.
                unfinished = self._workers[key].unfinished() if key in self._workers else []
                self._workers[key] = _Worker(one, self._answer)
                for call in unfinished:
                    self._workers[key].take(call)
        try:
            self._poll(0)
        except WorkbenchError:
            with self._lock:
                self._served = {(one.name, one.sha256): one for one in before}
            raise
        with self._lock:
            if self._poller is None:
                self._poller = threading.Thread(target=self._run, name="medr1 rewards", daemon=True)
                self._poller.start()

    def withdraw(self, *served: Served) -> None:
        """The backend is told at once; a call in progress is finished."""
        with self._lock:
            for one in served:
                if self._served.get((one.name, one.sha256)) is one:
                    del self._served[one.name, one.sha256]
        self._poll(0)

    @contextlib.contextmanager
    def for_now(self, *served: Served) -> Iterator[None]:
        """Serves what is not served already, and withdraws it in the end."""
        fresh = [one for one in served if (one.name, one.sha256) not in self._served]
        if fresh:
            self.serve(*fresh)
        try:
            yield
        finally:
            if fresh:
                self.withdraw(*fresh)

    def _listed(self) -> list[Served]:
        with self._lock:
            return list(self._served.values())

    def _poll(self, wait_s: float, answers: list[dict[str, Any]] | None = None) -> list[dict[str, Any]]:
        body = {"rewards": [one.as_json() for one in self._listed()], "answers": answers or [], "wait_s": wait_s}
        return ask(self._client, "kernels.poll", self.id, body=body, timeout=POLL)["calls"]

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._served:
                    self._poller = None
                    return
            try:
                calls = self._poll(WAIT_S)
            except Exception:  # the backend is away, or starts anew; it is told all again with the next poll
                time.sleep(AGAIN_S)
                continue
            for call in calls:
                worker = self._workers.get((call["name"], call["sha256"]))
                if worker is not None:
                    worker.take(call)

    def _answer(self, key: str, outcome: dict[str, Any]) -> None:
        """Until the backend has it: what was computed is not computed again."""
        while True:
            try:
                self._poll(0, [{"key": key, "outcome": outcome}])
                return
            except WorkbenchError as error:
                if error.status is not None and 400 <= error.status < 500:
                    return
            time.sleep(AGAIN_S)


class _Worker:
    """Evaluates the calls of one function in their order, each once."""

    def __init__(self, served: Served, answer: Callable[[str, dict[str, Any]], None]) -> None:
        self._served = served
        self._answer = answer
        self._calls: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._working: dict[str, dict[str, Any]] = {}
        self._done: dict[str, dict[str, Any]] = {}
        threading.Thread(target=self._run, name=f"medr1 reward {served.name}", daemon=True).start()

    def unfinished(self) -> list[dict[str, Any]]:
        return list(self._working.values())

    def take(self, call: dict[str, Any]) -> None:
        if call["key"] not in self._working:
            self._working[call["key"]] = call
            self._calls.put(call)

    def _run(self) -> None:
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        while True:
            call = self._calls.get()
            key = call["key"]
            outcome = self._done.get(key) or self._served.evaluate(call, loop)
            if "values" in outcome:  # what failed is tried anew where the run is resumed: a service may be back, a variable mended
                self._done[key] = outcome
            for old in list(self._done)[:-MOST_KEPT]:
                del self._done[old]
            self._working.pop(key, None)
            self._answer(key, outcome)
