"""Asynchronous forms of what waits, and what an interrupt leaves behind."""

import asyncio
import importlib

import medr1_workbench as wb
import pytest
from conftest import until
from medr1_workbench import stored as module
from medr1_workbench.pausing import GivenUp, asynchronous, pause
from medr1_workbench.run import Run

# By name: the package has a function of the same.
data_module = importlib.import_module("medr1_workbench.dataset")
SUMMARY = {"id": "r1", "name": "one", "state": "running", "step": 1, "total_steps": 4, "reward": None, "error": None, "parent": None}


class Backend:
    def __init__(self):
        self.state = "running"
        self.asked = []

    def request(self, method, path, body=None, **query):
        self.asked.append((method, path))
        if path.startswith("/data"):
            return {"name": "set", "state": "running", "phase": "reading", "done": 1, "total": 9, "error": None}
        return {"summary": {**SUMMARY, "state": self.state}}


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(module, "POLL_S", 0.001)
    monkeypatch.setattr(data_module, "POLL_S", 0.001)


def test_waiting_leaves_the_loop_free():
    backend = Backend()

    async def both():
        waits = asyncio.ensure_future(Run(backend, SUMMARY).wait_async(show=False))
        await until(lambda: len(backend.asked) >= 3)
        assert not waits.done()
        backend.state = "finished"
        return await waits

    assert asyncio.run(both()).summary()["state"] == "finished"


def test_a_task_that_is_cancelled_waits_no_longer_and_the_run_goes_on():
    backend = Backend()

    async def cancelled():
        waits = asyncio.ensure_future(Run(backend, SUMMARY).wait_async(show=False))
        await until(lambda: len(backend.asked) >= 3)
        waits.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waits
        return len(backend.asked)

    asked = asyncio.run(cancelled())
    assert len(backend.asked) == asked
    assert {method for method, _ in backend.asked} == {"GET"}


def test_indexing_that_is_cancelled_is_stopped():
    backend = Backend()
    client = wb.Client(None)
    client.request = backend.request

    async def cancelled():
        adds = asyncio.ensure_future(client.add_dataset_async("/data", "set", show=False))
        await until(lambda: len(backend.asked) >= 3)
        adds.cancel()
        with pytest.raises(asyncio.CancelledError):
            await adds

    asyncio.run(cancelled())
    assert backend.asked[-1] == ("DELETE", "/data/set/job")


def test_indexing_that_is_interrupted_is_stopped(monkeypatch):
    backend = Backend()
    client = wb.Client(None)
    client.request = backend.request

    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(data_module, "pause", interrupted)
    with pytest.raises(KeyboardInterrupt, match="indexing set was stopped"):
        client.add_dataset("/data", "set", show=False)
    assert backend.asked[-1] == ("DELETE", "/data/set/job")


def test_what_a_call_returns_and_raises_comes_through():
    def fails():
        raise ValueError("no")

    assert asyncio.run(asynchronous(lambda a, b: a + b, 1, b=2)) == 3
    with pytest.raises(ValueError, match="no"):
        asyncio.run(asynchronous(fails))


def test_a_pause_is_a_sleep_where_nobody_can_give_up():
    pause(0)
    assert not issubclass(GivenUp, Exception)
