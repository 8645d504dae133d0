"""The notebook client.

import medr1_workbench as wb
c = wb.connect()
run = c.train(c.demo(max_steps=60))
run.wait()
run.metrics()["reward"].plot()
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import ssl
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Any, overload
from urllib.parse import parse_qs, urlsplit

import httpx
import pandas as pd

from .alerts import ALERT_RULES, AlertSettings, changed
from .ask import ask, filled
from .backend import METHOD_OVERRIDE, OVERRIDDEN, PATIENT, TIMEOUT
from .backend import client as socket_client
from .configuration import BesidesVariant, Configuration
from .connection import ENV, ENV_PID, PROTOCOL_VERSION, lives, read_connection, wait_for
from .dataset import Dataset, Filters, add_dataset, query_of
from .doubts import doubt
from .errors import WorkbenchError
from .evaluation import Comparison, Evaluation, compare, evaluate, matrices
from .frames import frame
from .generation import Generation
from .kernel import RewardHost, Served
from .paths import placed, whole_path
from .pausing import asynchronous
from .rewards import ComingReward, files_of_config, functions_of_config
from .run import Run
from .runs import metrics_of, sweep, table_of
from .search import search
from .signatures import async_of, keywords_of
from .values import plain, text, texts
from .values import query as as_query
from .view import Selection

if TYPE_CHECKING:
    from typing_extensions import Unpack

# What is local goes by no proxy, whatever HTTP_PROXY says.
DIRECT = {f"all://{host}": None for host in ("localhost", "127.0.0.1", "[::1]")}


def connect(
    url: str | None = None,
    token: str | None = None,
    *,
    verify: bool | str | os.PathLike[str] | ssl.SSLContext = True,
) -> Client:
    """The backend of this Jupyter server, or of the one at `url`: its base URL (https://host/user/alice/), or the address that npm start
    and JupyterLab print, pasted as it is (http://127.0.0.1:8888/lab?token=...). It is asked once, so that what is wrong shows here.
    `token`: none where the server asks for none. `verify`: a file or folder of certificates to trust, for a server with one of its own;
    False takes any.
    """
    if url is not None:
        base, given = address(str(url))
        secret = token or given
        headers = {"Authorization": f"token {secret}"} if secret else {}
        http = httpx.Client(base_url=f"{base}/medr1/api", headers=headers, timeout=TIMEOUT, verify=_trusted(verify), mounts=DIRECT)
        client = Client(http, again=(url, token, verify))
        client.server()
        return client
    file = os.environ.get(ENV)
    if not file or not os.path.exists(file):
        _no_file(file)
    found = read_connection(file)
    if found.protocol != PROTOCOL_VERSION:
        raise WorkbenchError(
            "PROTOCOL",
            f"The backend speaks protocol {found.protocol}, this client {PROTOCOL_VERSION}",
            "Restart the kernel; if that does not help, run npm start again.",
        )
    return Client(socket_client(found), local=True)


def address(url: str) -> tuple[str, str | None]:
    """Base URL of a Jupyter server, and the token in it, from any address of its pages."""
    parts = urlsplit(url if "://" in url else f"http://{url}")
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise WorkbenchError(
            "ADDRESS", f"{url} is no address of a Jupyter server", "Give one like http://127.0.0.1:8888/ or https://host/user/alice/."
        )
    # Pages of JupyterLab and Notebook: /lab, /lab/tree/x.ipynb, /doc/..., /tree, /notebooks/...; what stands before them is the base URL.
    path = re.sub(r"/(lab|doc|tree|notebooks|consoles|terminals|edit|login)(/.*)?$", "", parts.path.rstrip("/"))
    return f"{parts.scheme}://{parts.netloc}{path}", parse_qs(parts.query).get("token", [None])[0]


def _trusted(verify: Any) -> bool | ssl.SSLContext:
    if not isinstance(verify, str | os.PathLike):
        return verify
    if not os.path.exists(verify):
        raise WorkbenchError(
            "CERTIFICATE", f"verify names {os.fspath(verify)}, which does not exist", "Give the server's certificate as a PEM file."
        )
    try:
        return ssl.create_default_context(**{"capath" if os.path.isdir(verify) else "cafile": os.fspath(verify)})
    except ssl.SSLError as error:
        raise WorkbenchError(
            "CERTIFICATE", f"{os.fspath(verify)} holds no certificates: {error}", "Give the server's certificate as a PEM file."
        ) from error


def _no_file(file: str | None) -> None:
    """Returns when a living server has written the file that somebody removed, else raises with what is known."""
    server = os.environ.get(ENV_PID, "")
    alive = file is not None and server.isdigit() and lives(int(server))
    if alive and wait_for(file):
        return
    if alive:
        message = (
            f"{file}, which says where the backend listens, was removed, and the Jupyter server (process {server}) has not written it again"
        )
        remedy = "Look whether its folder can be written; a restart of JupyterLab makes a new one."
    else:
        message = (
            "The Jupyter server that started this kernel has stopped"
            if file
            else "This Python was not started by a Jupyter server with Med-R1 Workbench"
        )
        remedy = "Open the notebook in the JupyterLab that npm start opens, or give connect(url=..., token=...)."
    raise WorkbenchError("NO_CONNECTION", message, remedy)


RUNS_A_PAGE = 500

# 501 is what a proxy says that knows no such method.
NOT_ALLOWED = frozenset({405, 501})


def _is_ours(answer: httpx.Response) -> bool:
    """True for a refusal of the backend itself, which names its error."""
    try:
        return "code" in answer.json()
    except (ValueError, TypeError):
        return False


def _json(answer: httpx.Response) -> Any:
    """JSON; of NDJSON a list, an entry a line; the text of what is neither."""
    try:
        if answer.headers.get("Content-Type", "").startswith("application/x-ndjson"):
            return [json.loads(line) for line in answer.content.splitlines()]
        return answer.json() if answer.content else None
    except ValueError:
        return answer.text


class Client:
    """One backend. Methods raise WorkbenchError with the backend's own message and remedy."""

    def __init__(self, http: httpx.Client, *, local: bool = False, again: tuple[Any, ...] = ()) -> None:
        """`local`: the backend is of this machine, so that paths of this notebook's folder mean something to it. `again`: what another
        process gives connect() for the same backend.
        """
        self._http = http
        self._again = again
        self._local = local
        self._override = False
        self._coming: dict[str, ComingReward] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        """Another process connects anew: a run or a data set can go to joblib and multiprocessing."""
        return connect, self._again

    @cached_property
    def reward_host(self) -> RewardHost:
        """What serves functions of this Python to the backend."""
        return RewardHost(self)

    def request(self, method: str, path: str, body: Any = None, *, timeout: httpx.Timeout = TIMEOUT, **query: Any) -> Any:
        """One REST call; path parts must be quoted (values.part). Body and query take all that values.plain() does; None in `query` is left
        out.
        """
        body, params = plain(body), as_query(query)
        answer = self._send(method, path, body, params, timeout)
        if answer.status_code in NOT_ALLOWED and method in OVERRIDDEN and not _is_ours(answer):
            self._override = True  # a proxy lets through GET and POST alone
            answer = self._send(method, path, body, params, timeout)
        if answer.status_code == 403 and method != "GET" and "_xsrf" in answer.text and self._take_xsrf():
            answer = self._send(method, path, body, params, timeout)
        if answer.is_redirect:
            raise WorkbenchError(
                f"HTTP_{answer.status_code}",
                f"{self._http.base_url} redirects to {answer.headers.get('location')}, as Jupyter does for a client that is not logged in",
                "Check url, and give the token of the server: connect(url, token=...).",
                answer.status_code,
            )
        data = _json(answer)
        if answer.is_success and not isinstance(data, str):
            return data
        raise WorkbenchError.from_body(data, answer.status_code)

    def picture(self, route: str, *parts: Any, **query: Any) -> tuple[str, bytes]:
        """An image by the name of its route: its media type and its bytes."""
        method, path = filled(route, *parts)
        answer = self._send(method, path, None, as_query(query), TIMEOUT)
        if answer.is_success:
            return answer.headers["content-type"].split(";")[0], answer.content
        raise WorkbenchError.from_body(_json(answer), answer.status_code)

    def _send(self, method: str, path: str, body: Any, params: dict[str, str], timeout: httpx.Timeout) -> httpx.Response:
        headers = {METHOD_OVERRIDE: method} if self._override and method in OVERRIDDEN else {}
        try:
            return self._http.request("POST" if headers else method, path, json=body, params=params, timeout=timeout, headers=headers)
        except httpx.HTTPError as error:
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                raise WorkbenchError(
                    "CERTIFICATE",
                    f"The certificate of {self._http.base_url.host} is not trusted: {error}",
                    "Give the certificate of the server, or of whoever signed it: connect(url, token, verify='server.pem').",
                ) from error
            why = f"does not answer: {error or type(error).__name__}"
            told = (
                (f"The backend {why}", "The Runs panel in JupyterLab says why, and can restart it.")
                if self._local
                else (
                    f"{self._http.base_url.join('../..')} {why}",
                    "Check the address and its port, and that the Jupyter server there runs.",
                )
            )
            raise WorkbenchError("BACKEND_DOWN", *told) from error

    def _take_xsrf(self) -> bool:
        """A Jupyter server without a token takes a POST only with the value of a cookie that it gave before."""
        self._http.cookies.clear()  # one of an earlier answer may be for another path, and both would be sent
        for _ in range(2):  # the refusal may have closed the connection that is used again
            with contextlib.suppress(httpx.HTTPError):
                self._http.get(self._http.base_url.join("../status"))
                break
        value = next((cookie.value for cookie in self._http.cookies.jar if cookie.name == "_xsrf"), None)
        if value is None or self._http.headers.get("X-XSRFToken") == value:
            return False
        self._http.headers["X-XSRFToken"] = value
        return True

    def server(self) -> dict[str, Any]:
        """Version, device, home and the made sample's place."""
        return ask(self, "server")

    def schema(self) -> dict[str, Any]:
        """JSON Schema of a run's configuration: every key with its title, default and meaning."""
        return ask(self, "schema")

    def runs(self, search: str | None = None) -> list[Run]:
        """Every run, newest first. With `search` those that pass it, pinned ones first: words of name, notes and tags, and conditions on
        columns, `c.runs("tag:seed state:finished learning_rate<1e-5 best:reward>1.5")`.
        """
        summaries = ask(self, "runs")["runs"]
        if search is None:
            return [Run(self, summary) for summary in summaries]
        by_id = {summary["id"]: summary for summary in summaries}
        found: list[str] = []
        while True:
            page = ask(self, "runTable", q=search, archived=True, limit=RUNS_A_PAGE, offset=len(found))
            found += [row["id"] for row in page["rows"]]
            if not page["rows"] or len(found) >= page["total"]:
                return [Run(self, by_id[each]) for each in found if each in by_id]

    def run(self, run_id: str) -> Run:
        """The run of this id, whatever its state."""
        return Run(self, ask(self, "run", run_id)["summary"])

    search = search

    def alert_rules(self) -> pd.DataFrame:
        """The rules of alerts in their rank, your own after them: id, title, level, metrics, window, thresholds of all runs, off."""
        found = ask(self, "alertRules")
        settings = found["settings"]
        rows = []
        for rule in found["rules"]:
            given = settings["thresholds"].get(rule["id"], {})
            values = {one["name"]: given.get(one["name"], one["default"]) for one in rule["thresholds"]}
            rows.append({**rule, "thresholds": values, "off": rule["id"] in settings["off"]})
        return frame(rows, ALERT_RULES).set_index("id")

    @keywords_of(AlertSettings)
    def set_alerts(self, **changes: Unpack[AlertSettings]) -> dict[str, Any]:
        """Changes the alerts of all runs: thresholds (by rule and name) and rules (of your own, TypeScript by name) beside those that are
        there, a name's None takes one away; off (a list of rules) and webhook (an address, or None) in place of what was. Returns all.
        """
        settings = ask(self, "alertRules")["settings"]
        return ask(self, "setAlertRules", body=changed(settings, {**changes}))["settings"] if changes else settings

    @keywords_of(BesidesVariant)
    def demo(self, variant: str = "think", **changes: Unpack[BesidesVariant]) -> dict[str, Any]:
        """The demo's configuration (made sample, tiny model), with changes; give it to train()."""
        preset = self.server()["presets"].get(f"demo-{variant}")
        if preset:
            return {**preset, **changes}
        raise WorkbenchError("NO_SAMPLE", "The made sample has not been written", "npm start writes it; or: medr1 sample .medr1/sample")

    @keywords_of(Configuration)
    def check(self, config: Mapping[str, Any] | None = None, *, deep: bool = False, **keys: Unpack[Configuration]) -> dict[str, Any]:
        """The whole configuration with every default filled in; raises when a key or a value is not right. Starts nothing. `deep` also
        looks whether the model, the data set and its splits are there and can be used, and tries the reward functions.
        """
        whole, functions = functions_of_config({**(config or {}), **keys})
        complete = ask(self, "checkConfig", body={"config": self._placed(whole)})["config"]
        doubt(complete)
        if deep:
            self._look(complete, functions)
        return complete

    def _look(self, config: dict[str, Any], functions: list[Callable[..., Any]]) -> None:
        """Raises with the first thing that a run of this configuration would stumble over."""
        ask(self, "generate", body={"model": config["model_name_or_path"], "question": "", "num": 0}, timeout=PATIENT)  # its processor
        ask(self, "estimate", body={"config": config}, timeout=PATIENT)  # the model's shape, the questions, sizes of images
        if config["dataset_test_split"] is not None:
            ask(self, "estimate", body={"config": {**config, "dataset_train_split": config["dataset_test_split"]}}, timeout=PATIENT)
        if config["trainer"] == "sft":
            return
        with self.reward_host.for_now(*(Served(function) for function in functions)):
            body = {key: config[key] for key in ("reward_funcs", "variant", "max_completion_length")}
            checked = ask(self, "checkRewards", body={**body, "reward_files": files_of_config(config)}, timeout=PATIENT)["functions"]
        for error in (each["error"] for each in checked if each["error"]):
            raise WorkbenchError(error["code"], error["message"], error["remedy"])

    @keywords_of(Configuration)
    def estimate(self, config: Mapping[str, Any] | None = None, **keys: Unpack[Configuration]) -> dict[str, Any]:
        """Memory in bytes by purpose, steps, and advice where it does not fit."""
        whole, _ = functions_of_config({**(config or {}), **keys})
        return ask(self, "estimate", body={"config": self._placed(whole)})

    def _placed(self, config: dict[str, Any]) -> dict[str, Any]:
        """With whole paths: relative ones are of the folder of this notebook. A backend elsewhere has its own."""
        if not self._local:
            return config
        return placed(config, (each["name"] for each in ask(self, "data.list")["datasets"]) if "dataset_name" in config else ())

    def _place(self, path: Any) -> Any:
        return whole_path(path) if self._local else path

    @keywords_of(Configuration)
    def train(
        self,
        config: Mapping[str, Any] | None = None,
        *,
        start: bool = True,
        reward_files: Mapping[str, str] | None = None,
        **keys: Unpack[Configuration],
    ) -> Run:
        """Starts a run; keys are TRL's (see schema()) and win over `config`. Training goes on when the kernel stops. Reward files that
        `reward_funcs` names are read here; `reward_files` gives sources by file name that are in no file. Functions among them are
        evaluated here (see Run.reward), as those of reward() are, which need not be named.
        """
        whole, functions = functions_of_config({**(config or {}), **keys})
        self.reward_host.serve(*(Served(function) for function in functions))
        whole = self._placed(self._with_coming(whole))
        doubt(whole)
        body = {"config": whole, "reward_files": {**files_of_config(whole), **(reward_files or {})}, "start": start}
        return Run(self, ask(self, "createRun", body=body))

    def import_run(self, path: str | os.PathLike[str], *, name: str | None = None, num_generations: int | None = None) -> Run:
        """A run that TRL or another trainer of Hugging Face made, from the log that it left: finished, with its curves, alerts and, where
        TRL wrote them, completions.

        path: the training's output_dir, a checkpoint in it, or a trainer_state.json, on the machine of the Jupyter server.
        num_generations: completions of a question, where prompts and advantages cannot tell. `run.imported` says what the log did not hold.
        """
        given = {"path": os.path.abspath(os.path.expanduser(path)), "name": name, "num_generations": num_generations}
        body = {key: value for key, value in given.items() if value is not None}
        return Run(self, ask(self, "importRun", body={**body, "request_id": uuid.uuid4().hex}))

    @keywords_of(BesidesVariant)
    def train_pair(
        self,
        config: Mapping[str, Any] | None = None,
        variants: Sequence[str] = ("think", "no-think"),
        *,
        start: bool = True,
        reward_files: Mapping[str, str] | None = None,
        **keys: Unpack[BesidesVariant],
    ) -> tuple[Run, Run]:
        """Starts two runs that differ in their prompt variant alone: they see the same questions in the same order and sample from the same
        seeds. On one device they take turns step by step; pausing, resuming or stopping one does it to both. Otherwise as train().
        """
        whole = self._placed({**(config or {}), **keys})
        doubt(whole)
        files = {**files_of_config(whole), **(reward_files or {})}
        body = {"config": whole, "variants": list(variants), "reward_files": files, "start": start}
        first, second = ask(self, "createPair", body=body)["runs"]
        return Run(self, first), Run(self, second)

    @keywords_of(Configuration)
    def sweep(self, config: Mapping[str, Any] | None = None, *, start: bool = True, **keys: Any) -> list[Run]:
        """One run for every combination of the keys that are lists: `c.sweep(c.demo(), seed=[1, 2, 3], beta=[0.0, 0.04])` starts six.

        A key whose value is a list by itself (reward_funcs, modality) is varied by a list of lists. Names say what was varied.
        """
        return sweep(self, {**(config or {})}, keys, start)

    def metrics(self, runs: Iterable[Run | str] | None = None, names: str | Sequence[str] | None = None) -> pd.DataFrame:
        """Metrics of many runs (all when left out) in one frame, a row a step of a run: run, name, step, time and the metrics."""
        return metrics_of(self._of(runs), names)

    def table(self, runs: Iterable[Run | str] | None = None) -> pd.DataFrame:
        """One row a run: what it is, its whole configuration as columns `config/<key>`, and its last metrics as columns of their names."""
        return table_of(self._of(runs), self.schema())

    def _of(self, runs: Iterable[Run | str] | None) -> list[Run]:
        if runs is None:
            return self.runs()
        return [run if isinstance(run, Run) else self.run(run) for run in ([runs] if isinstance(runs, str | Run) else runs)]

    # Evaluations

    def evaluations(self) -> list[Evaluation]:
        """Every stored evaluation, newest first."""
        return [Evaluation(self, summary) for summary in ask(self, "evals.list")["evaluations"]]

    def evaluation(self, evaluation_id: str) -> Evaluation:
        return Evaluation(self, ask(self, "evals.get", evaluation_id)["summary"])

    def evaluate(
        self,
        run: Run | str | None = None,
        *,
        step: int | None = None,
        model: str | os.PathLike[str] | None = None,
        dataset: Dataset | str,
        split: str,
        variant: str | None = None,
        controls: Sequence[str] = (),
        limit: int | None = None,
        seed: int | None = None,
        max_new_tokens: int | None = None,
        samples: int | None = None,
        temperature: float | None = None,
        batch_size: int | None = None,
        train_split: str | None = None,
        prompt_template: str | None = None,
        dtype: str | None = None,
        device: str | None = None,
        anew: bool = False,
    ) -> Evaluation:
        """Asks a model every question of a split, greedily, and stores each answer: the newest checkpoint of `run`, the one at `step`, or
        a Hugging Face directory `model`. Returns at once; `.wait()` waits. The same settings of the same weights on the same questions give
        the stored evaluation back unless `anew`. `controls`: blank-image, shuffled-image, text-only, options-permuted, option-prior.
        `samples`: so many answers are drawn to each question at `temperature` (1) beside the greedy one; compare(...).votes tells what
        majorities of them are worth.
        """
        given = {
            "run": run,
            "step": step,
            "model": None if model is None else self._place(model),
            "dataset": dataset,
            "split": split,
            "variant": variant,
            "controls": list(controls),
            "limit": limit,
            "seed": seed,
            "max_new_tokens": max_new_tokens,
            "samples": samples,
            "temperature": temperature,
            "batch_size": batch_size,
            "train_split": train_split,
            "prompt_template": prompt_template,
            "dtype": dtype,
            "device": device,
            "anew": anew,
        }
        return evaluate(self, {key: value for key, value in given.items() if value is not None})

    @async_of(evaluate)
    async def evaluate_async(self, run: Run | str | None = None, **given: Any) -> Evaluation:
        """As evaluate(...).wait(), without blocking the kernel; a task that is cancelled waits no longer, and the evaluation goes on."""

        def whole() -> Evaluation:
            return self.evaluate(run, **given).wait()

        return await asynchronous(whole)

    def compare(self, *evaluations: Evaluation | Run | str, reading: str = "strict") -> Comparison:
        """Two or more evaluations on the questions that all of them answered: .summary, .pairs (McNemar), .agreement, .slices, .apart,
        .questions(). A run stands for its evaluation that meets the others on the same questions; "RUN@STEP", "RUN:VARIANT" name one more
        closely.
        """
        return compare(self, evaluations, reading)

    def matrices(
        self, kind: str = "modality", evaluations: Iterable[Evaluation | str] | None = None, *, reading: str = "strict"
    ) -> dict[str, pd.DataFrame]:
        """Accuracy of checkpoints by what they were trained on (rows) and tested on (columns), a frame for each trainer and variant.
        `kind`: modality or question_type.
        """
        return matrices(self, kind, evaluations, reading)

    @overload
    def reward(
        self, function: None = None, *, weight: float = 1.0, name: str | None = None, timeout: float = 60.0, on_timeout: str = "pause"
    ) -> Callable[[Callable[..., Any]], ComingReward]: ...

    @overload
    def reward(
        self,
        function: Callable[..., Any],
        *,
        weight: float = 1.0,
        name: str | None = None,
        timeout: float = 60.0,
        on_timeout: str = "pause",
    ) -> ComingReward: ...

    def reward(
        self,
        function: Callable[..., Any] | None = None,
        *,
        weight: float = 1.0,
        name: str | None = None,
        timeout: float = 60.0,
        on_timeout: str = "pause",
    ) -> ComingReward | Callable[[Callable[..., Any]], ComingReward]:
        """Makes a function of this notebook a reward of the runs that this client starts from now on; see Run.reward for what it is given,
        `timeout` and `on_timeout`.
        """
        if function is None:
            return lambda given: self.reward(given, weight=weight, name=name, timeout=timeout, on_timeout=on_timeout)
        served = Served(function, name=name, timeout=timeout, on_timeout=on_timeout)
        self.reward_host.serve(served)
        self._coming[served.name] = ComingReward(served, weight, self._coming)
        return self._coming[served.name]

    def _with_coming(self, config: dict[str, Any]) -> dict[str, Any]:
        """The configuration with the functions of reward() that it does not name."""
        if not self._coming or config.get("trainer") == "sft":
            return config
        named = config.get("reward_funcs")
        entries = self.schema()["properties"]["reward_funcs"]["default"] if named is None else texts(named, "reward_funcs")
        weights = plain(config.get("reward_weights")) or [1.0] * len(entries)
        more = {f"{name}.py": one.weight for name, one in self._coming.items() if f"{name}.py" not in entries}
        return {**config, "reward_funcs": [*entries, *more], "reward_weights": [*weights, *more.values()]}

    @contextlib.contextmanager
    def serve_rewards(self, *functions: Callable[..., Any], timeout: float = 60.0, on_timeout: str = "pause") -> Iterator[Client]:
        """Evaluates these functions here for as long as the block lasts, for any run of the backend that names them:

        with c.serve_rewards(short_think):
            c.train(c.demo(reward_funcs=["accuracy", "short_think.py"])).wait()
        """
        served = [Served(function, timeout=timeout, on_timeout=on_timeout) for function in functions]
        self.reward_host.serve(*served)
        try:
            yield self
        finally:
            self.reward_host.withdraw(*served)

    # Data

    def datasets(self) -> list[Dataset]:
        """Every indexed data set."""
        return [Dataset(self, summary["name"]) for summary in ask(self, "data.list")["datasets"]]

    @keywords_of(Filters)
    def dataset(self, name: str, **filters: Unpack[Filters]) -> Dataset:
        """An indexed data set by its name or its folder, under a filter (see Dataset); raises when there is none."""
        query = query_of({**filters})
        name = text(name, "name")
        listed = ask(self, "data.list")["datasets"]
        found = next((each["name"] for each in listed if name in (each["name"], each["dir"])), name)
        dataset = Dataset(self, found, query)
        if not any(each["name"] == found for each in listed):
            dataset.detail()  # raises with the names there are
        return dataset

    def add_dataset(
        self,
        folder: str | os.PathLike[str],
        name: str | None = None,
        *,
        images: bool | str | os.PathLike[str] = True,
        timeout: float | timedelta | None = None,
        show: bool = True,
    ) -> Dataset:
        """Indexes a folder on the machine of the Jupyter server and waits for it; a second time only what changed is read.

        images: False leaves them unread; a folder is where they lie apart from the questions. `show` draws a bar. An interrupt stops the
        indexing; what was read so far is not read again.
        """
        placed = images if isinstance(images, bool) else self._place(images)
        return add_dataset(self, self._place(folder), name, placed, timeout, show)

    @async_of(add_dataset)
    async def add_dataset_async(self, folder: str | os.PathLike[str], name: str | None = None, **given: Any) -> Dataset:
        """As add_dataset(), without blocking the kernel; a task that is cancelled stops the indexing."""
        return await asynchronous(self.add_dataset, folder, name, **given)

    # What the browser looks at

    def view(self) -> dict[str, Any]:
        """Selection, and the Data view's data set, filter and picked questions, of the page that was used last."""
        return ask(self, "view")

    def move_view(self, *, selection: dict[str, Any] | None = None, data: dict[str, Any] | None = None) -> dict[str, Any]:
        """Asks every page to look there; parts left out stay."""
        parts = {"selection": selection, "data": data}
        return ask(self, "moveView", body={"by": "notebook", **{key: part for key, part in parts.items() if part is not None}})

    @property
    def selection(self) -> Selection:
        """What is selected in the browser; assign parts to move it: `c.selection = {"step": 12}`."""
        return Selection(self.view()["selection"])

    @selection.setter
    def selection(self, parts: dict[str, Any]) -> None:
        moved = dict(parts)
        if moved.get("runs") is not None:
            moved["runs"] = texts(moved["runs"], "runs")
        self.move_view(selection=moved)

    # Try it

    def generate(
        self,
        question: str | None = None,
        *,
        run: str | Run | None = None,
        step: int | None = None,
        model: str | os.PathLike[str] | None = None,
        dataset: str | Dataset | None = None,
        item: str | None = None,
        image: str | os.PathLike[str] | None = None,
        crop: Sequence[int] | None = None,
        blank: bool = False,
        variant: str | None = None,
        prompt_template: str | None = None,
        rewards: str | Run | bool | None = None,
        num: int | None = None,
        temperature: float | None = None,
        max_new_tokens: int | None = None,
        seed: int | None = None,
    ) -> Generation:
        """Answers of a model: the policy of `run` as it is now (between two steps while it trains), its checkpoint at `step`, or the
        directory `model`; to `question` (with `image`, a path in the data set) or to `item` of `dataset`. `num` 0 gives the prompt alone;
        `temperature` 0 is greedy.

        `crop` (left, top, width, height; pixels of the file): the model sees that stretch of the image; `blank`: grey in its place.
        `rewards`: the run whose reward functions score the answers, True for `run`; columns `reward/<name>` and `reward` of `.completions`.
        """
        scored_by = run if rewards is True else rewards or None
        given = {
            "question": question,
            "run": run,
            "step": step,
            "model": self._place(model),
            "dataset": dataset,
            "item": item,
            "image": image,
            "crop": None if crop is None else dict(zip(("left", "top", "width", "height"), crop, strict=True)),
            "blank": blank or None,
            "variant": variant,
            "prompt_template": prompt_template,
            "rewards": scored_by,
            "num": num,
            "temperature": temperature,
            "max_new_tokens": max_new_tokens,
            "seed": seed,
        }
        body = {key: value for key, value in given.items() if value is not None}
        return Generation(ask(self, "generate", body=body, timeout=PATIENT), self, body)

    @async_of(generate)
    async def generate_async(self, question: str | None = None, **asked: Any) -> Generation:
        """As generate(), without blocking the kernel; a task that is cancelled returns when the answer is there."""
        return await asynchronous(self.generate, question, **asked)

    def __iter__(self) -> Iterator[Run]:
        return iter(self.runs())

    def __repr__(self) -> str:
        return f"<medr1 backend at {self._http.base_url}>"

    def _repr_html_(self) -> str:
        server = self.server()
        runs = self.runs()
        rows = "".join(run.html_row() for run in runs[:20])
        device = escape(str(server["device"]["name"]))
        head = f"<p>Med-R1 Workbench {escape(server['version'])} on {device}, {len(runs)} run(s)</p>"
        return head + (
            f"<table>{Run.html_head()}{rows}</table>" if rows else "<p>No run yet: <code>c.train(c.demo())</code> starts one.</p>"
        )
