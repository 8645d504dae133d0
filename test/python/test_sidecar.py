import asyncio
import logging
import os
import signal
import sys
from pathlib import Path

import pytest
from conftest import FAKE, until
from medr1_workbench.connection import PrivateFolder
from medr1_workbench.sidecar import Sidecar, _last_words


@pytest.fixture
def make(jp_asyncio_loop):
    made = []

    def build(mode="", command=FAKE, **options):
        folder = PrivateFolder()
        sidecar = Sidecar(command=[*command, "serve"], connection=folder.connection, log=logging.getLogger("test"), **options)
        sidecar.env = {"FAKE_BACKEND": mode}
        made.append((sidecar, folder))
        return sidecar

    yield build
    for sidecar, folder in made:
        jp_asyncio_loop.run_until_complete(sidecar.stop())
        folder.remove()


def alive(pid):
    # A child that nobody has waited for yet is gone all the same.
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


async def test_a_backend_that_is_killed_comes_back(make):
    sidecar = make()
    sidecar.start()
    await until(lambda: sidecar.state == "running")
    first = sidecar.pid
    os.kill(first, signal.SIGKILL)
    await until(lambda: sidecar.state == "running" and sidecar.pid != first)
    assert sidecar.restarts == 1


async def test_a_backend_that_keeps_failing_is_reported_with_its_last_words_and_tried_on(make, monkeypatch):
    monkeypatch.setattr("medr1_workbench.sidecar.FIRST_DELAY_S", 0.01)
    monkeypatch.setattr("medr1_workbench.sidecar.LONGEST_DELAY_S", 0.05)
    sidecar = make("crash")
    sidecar.start()
    await until(lambda: sidecar.state == "failed")
    assert "exit code 7: no libtorch here" in sidecar.message
    assert "medr1 doctor" in sidecar.remedy
    assert sidecar.restarts >= 6
    sidecar.env = {}  # mended
    await until(lambda: sidecar.state == "running")


def test_the_last_words_of_a_node_program_are_its_error_not_its_version():
    crash = ["node:internal/modules:1", "", "Error: Cannot find module '/x/medr1.mjs'", "    at Module.load", "Node.js v24.21.0"]
    assert _last_words(crash) == "Error: Cannot find module '/x/medr1.mjs'"
    assert _last_words(["medr1: socket is taken", "       choose another"]) == "medr1: socket is taken"
    assert _last_words([]) == ""


async def test_another_protocol_is_named(make, monkeypatch):
    monkeypatch.setattr("medr1_workbench.sidecar.MAX_FAILURES", 1)
    sidecar = make("other-protocol")
    sidecar.start()
    await until(lambda: sidecar.state == "failed")
    assert "protocol 99, this extension 1" in sidecar.message


async def test_a_backend_that_never_gets_ready_is_stopped(make, monkeypatch):
    monkeypatch.setattr("medr1_workbench.sidecar.MAX_FAILURES", 1)
    sidecar = make("silent", start_timeout=0.3)
    sidecar.start()
    await until(lambda: sidecar.state == "failed")
    assert "not ready within 0.3 s" in sidecar.message


async def test_a_program_that_is_not_there_is_named(make):
    sidecar = make(command=["/nowhere/node"])
    sidecar.start()
    await until(lambda: sidecar.state == "failed")
    assert "/nowhere/node" in sidecar.message
    assert "npm start" in sidecar.remedy


async def test_stopping_ends_all_that_the_backend_started(make):
    sidecar = make("family", stop_timeout=1.0)
    sidecar.start()
    await until(lambda: sidecar.state == "running" and any(line.startswith("child ") for line in sidecar.lines))
    child = int(next(line for line in sidecar.lines if line.startswith("child ")).split()[1])
    backend = sidecar.pid
    assert alive(child)
    await sidecar.stop()
    await until(lambda: not alive(child) and not alive(backend))


async def test_the_secret_is_in_no_argument(make):
    sidecar = make()
    sidecar.start()
    await until(lambda: sidecar.state == "running")
    assert sidecar.connection.secret.encode() not in Path(f"/proc/{sidecar.pid}/cmdline").read_bytes()


async def test_a_backend_ends_when_jupyter_is_killed(tmp_path):
    script = (
        "import asyncio, logging, sys; from medr1_workbench.connection import PrivateFolder; from medr1_workbench.sidecar import Sidecar\n"
        "async def main():\n"
        "    s = Sidecar(command=[*sys.argv[1:], 'serve'], connection=PrivateFolder().connection, log=logging.getLogger())\n"
        "    s.start()\n"
        "    while s.state != 'running': await asyncio.sleep(.02)\n"
        "    print(s.pid, flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())"
    )
    env = {**os.environ, "TMPDIR": str(tmp_path)}  # where a killed Jupyter leaves its folder
    jupyter = await asyncio.create_subprocess_exec(sys.executable, "-c", script, *FAKE, stdout=asyncio.subprocess.PIPE, env=env)
    backend = int(await jupyter.stdout.readline())
    assert alive(backend)
    jupyter.kill()
    await jupyter.wait()
    await until(lambda: not alive(backend))


async def test_a_backend_that_hangs_is_started_again_and_the_log_says_so(make, monkeypatch, caplog):
    monkeypatch.setattr("medr1_workbench.sidecar.PROBE_EVERY_S", 0.02)
    monkeypatch.setattr("medr1_workbench.sidecar.PROBE_DEADLINE_S", 0.3)
    sidecar = make(stop_timeout=0.5)
    sidecar.start()
    await until(lambda: sidecar.state == "running")
    first = sidecar.pid
    os.kill(first, signal.SIGSTOP)  # lives, and answers nobody
    await until(lambda: sidecar.state == "running" and sidecar.pid != first)
    assert not alive(first)
    assert sidecar.restarts == 1
    assert "did not answer 2 times in a row" in caplog.text


async def test_a_backend_that_missed_one_probe_is_left_alone(make, monkeypatch):
    monkeypatch.setattr("medr1_workbench.sidecar.PROBE_EVERY_S", 0.01)
    sidecar = make()
    answers = iter([True, False, True, False])
    asked = []

    async def answer():
        asked.append(next(answers, True))
        return asked[-1]

    monkeypatch.setattr(sidecar, "_answers", answer)
    sidecar.start()
    await until(lambda: len(asked) > 8)
    assert sidecar.state == "running"
    assert sidecar.restarts == 0
