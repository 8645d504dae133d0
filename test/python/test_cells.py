"""What a page is told of a run: pace, size, gaps, hostile text. No page, no kernel, and a clock of the test's own."""

import json
import re
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import medr1_workbench as wb
import nbformat
import pytest
from fake_runs import PNG, FakeRuns
from jupyter_client.session import json_packer
from medr1_workbench.cells.display import LIVE_VIEW, WIDGET_VIEW
from medr1_workbench.cells.feed import RunFeed
from medr1_workbench.cells.outbox import MOST_BYTES, PACE_S, Outbox
from medr1_workbench.cells.runs import LiveRuns
from medr1_workbench.cells.shown import LiveItems
from medr1_workbench.cells.still import Chart, Line, charts_svg, picture
from medr1_workbench.cells.widget import Pump
from medr1_workbench.group import Group
from medr1_workbench.run import Run
from nbclient import NotebookClient

HERE = Path(__file__).parent

HOSTILE = "<script>alert(1)</script>\x1b[31m\u202e\u200b&\"'<img src=x onerror=alert(1)>\ud800"


class Page:
    """Takes messages as a page does, and checks each."""

    def __init__(self, outbox):
        self.outbox = outbox
        self.messages = []
        self.times = []

    def drain(self, now=0.0):
        while len(self.outbox):
            message = self.outbox.take(now)
            if message is not None:
                self.messages.append(json.loads(json.dumps(message, allow_nan=False)))
                self.times.append(now)
                assert len(json.dumps(message, ensure_ascii=False).encode("utf-8", "surrogatepass")) <= 65536
            now += 0.01
        return now

    def parts(self, kind):
        return [part for message in self.messages for part in message["parts"] if part["part"] == kind]

    def steps(self):
        return [step for part in self.parts("points") for step in part["step"]]


def test_four_messages_a_second_at_most_however_much_waits():
    outbox = Outbox()
    page = Page(outbox)
    for number in range(50):
        outbox.put(number, {"part": "x", "text": "y" * 30_000})
    page.drain(100.0)
    assert len(page.parts("x")) == 50
    assert all(later - before >= PACE_S for before, later in zip(page.times, page.times[1:], strict=False))
    for start in page.times:
        assert sum(start <= time < start + 1 for time in page.times) <= 4
    assert [message["n"] for message in page.messages] == list(range(1, len(page.messages) + 1))


@pytest.mark.parametrize(
    "value", [list(range(2000)), "\u4e2d\u6587" * 1000, {f"key {n}": None for n in range(700)}, 'a "quoted" \\ text\n' * 300]
)
def test_a_message_is_as_long_as_jupyter_writes_it(value):
    outbox = Outbox()
    for number in range(40):
        outbox.put(number, {"part": "x", "value": value})
    page = Page(outbox)
    page.drain(100.0)
    sizes = [len(json_packer(message)) for message in page.messages]
    assert max(sizes) <= MOST_BYTES
    assert max(sizes) > 0.7 * MOST_BYTES


def test_a_part_that_is_put_again_before_it_was_sent_is_sent_once_as_it_is_last():
    outbox = Outbox()
    outbox.put("a", {"part": "a", "value": 1})
    outbox.put("b", {"part": "b"})
    outbox.put("a", {"part": "a", "value": 2})
    assert outbox.take(0)["parts"] == [{"part": "b"}, {"part": "a", "value": 2}]
    assert outbox.take(10) is None


def test_a_part_that_fits_no_message_is_refused():
    with pytest.raises(ValueError, match="part big has"):
        Outbox().put("a", {"part": "big", "text": "x" * MOST_BYTES})


class Widget:
    """What anywidget gives, as far as a live cell uses it."""

    model_id = "m1"

    def __init__(self):
        self.sent = []
        self.left = {}

    def send(self, message):
        self.sent.append(message)


def shown(backend):
    """A live cell as it is once it was shown, and the messages that it sends."""
    live = LiveRuns(backend, ["r1"])
    live._widget = Widget()
    return live, live._widget.sent


def feed_of(backend, **given):
    outbox = Outbox()
    return RunFeed(backend, "r1", outbox, **given), Page(outbox)


def test_a_page_is_told_what_there_is_and_then_each_step_once():
    backend = FakeRuns(steps=3)
    feed, page = feed_of(backend)
    assert feed.poll(0)
    now = page.drain()
    assert [part["part"] for part in page.messages[0]["parts"]][:2] == ["reset", "run"]
    assert page.steps() == [1, 2, 3]
    backend.step(2)
    feed.poll(now + 1)
    page.drain(now + 1)
    assert page.steps() == [1, 2, 3, 4, 5]
    assert not feed.poll(now + 2), "nothing came"


def test_a_kernel_that_was_busy_for_thirty_seconds_has_lost_nothing():
    backend = FakeRuns(steps=2)
    feed, page = feed_of(backend)
    feed.poll(0)
    now = page.drain()
    backend.step(1200)
    backend.add("alert", step=700, code="X", message="odd", remedy="look")
    feed.poll(now + 30)
    page.drain(now + 30)
    assert page.steps() == list(range(1, 1203))
    assert [part["event"]["message"] for part in page.parts("event")] == ["odd"]


def test_a_backend_that_was_away_is_read_on_from_where_it_was():
    backend = FakeRuns(steps=2)
    live, sent = shown(backend)
    live.tick(0)
    backend.down = True
    backend.step(3)
    for now in range(1, 20):
        live.tick(now)
    backend.down = False
    for now in range(20, 40):
        live.tick(now)
    parts = [part for message in sent for part in message["parts"]]
    assert [step for part in parts if part["part"] == "points" for step in part["step"]] == [1, 2, 3, 4, 5]
    assert [part["error"] and part["error"]["code"] for part in parts if part["part"] == "trouble"] == ["BACKEND_DOWN", None]


def test_a_log_that_was_rewritten_is_told_from_its_start():
    backend = FakeRuns(steps=5)
    feed, page = feed_of(backend)
    feed.poll(0)
    page.drain()
    backend.events, backend.epoch = backend.events[:2], "e2"
    feed.poll(10)
    page.drain(10)
    assert len(page.parts("reset")) == 2
    assert page.parts("points")[-1]["step"] == [1, 2]


def test_a_long_run_comes_thinned_out_in_messages_that_fit():
    backend = FakeRuns()
    for at in range(20_000):
        backend.step(**{f"rewards/function {n}/mean": at / 7 for n in range(20)})
    feed, page = feed_of(backend)
    feed.poll(0)
    page.drain()
    assert 300 < len(page.steps()) <= 800
    assert len(page.messages) > 1


def test_a_page_is_told_of_weights_and_not_of_source_texts():
    backend = FakeRuns(steps=1)
    backend.rewards = [backend.rewards[0] | {"revision": n + 1, "reason": "r" * 3000} for n in range(300)]
    feed, page = feed_of(backend)
    feed.poll(0)
    page.drain()
    (part,) = page.parts("run")
    assert "source" not in part["rewards"][-1]["sources"]["mine"]
    assert part["rewards"][-1]["revision"] == 300
    assert "recent_reward" not in part["summary"]


def test_rollouts_come_when_they_are_looked_at_with_their_image_once():
    backend = FakeRuns(steps=2)
    feed, page = feed_of(backend)
    feed.poll(0)
    feed.look(None, 0)
    feed.poll(1)
    now = page.drain(1)
    backend.step()
    feed.poll(now + 5)
    page.drain(now + 5)
    assert [part["step"] for part in page.parts("group")] == [2, 3]
    assert "token_ids" not in page.parts("group")[0]["group"]["completions"][0]
    assert page.parts("group")[0]["group"]["completions"][0]["tokens"] == 1000
    assert [part["url"][:22] for part in page.parts("image")] == ["data:image/png;base64,"]
    feed.look_away()
    backend.step()
    feed.poll(now + 50)
    page.drain(now + 50)
    assert len(page.parts("group")) == 2


def test_completions_of_a_megabyte_are_cut_and_counted_and_an_image_that_is_too_large_is_said_to_be():
    backend = FakeRuns(steps=1, text="é" * 1_000_000)
    backend.picture_bytes = b"0" * 10_000_000
    feed, page = feed_of(backend)
    feed.poll(0)
    feed.look(None, 0)
    feed.poll(1)
    page.drain()
    group = page.parts("group")[0]["group"]
    assert re.search(r"… \(\d{3},\d{3} characters more\)$", group["completions"][7]["text"])
    assert len(group["completions"]) == 8
    assert page.parts("image")[0] | {"error": ""} == {"part": "image", "of": "r1", "path": "a.png", "url": None, "error": ""}


def test_hostile_text_travels_as_text():
    backend = FakeRuns(steps=1, name=HOSTILE, text=HOSTILE)
    feed, page = feed_of(backend)
    feed.poll(0)
    feed.look(None, 0)
    feed.poll(1)
    page.drain()
    text = page.parts("group")[0]["group"]["completions"][0]["text"]
    assert text == HOSTILE.replace("\ud800", "?")
    svg, html, words = LiveRuns(backend, ["r1"]).still()
    assert "<script" not in svg
    assert "<script" not in html
    assert html.count("<img") == 1
    assert not set("\x1b\u202e\u200b\ud800") & set(words + html + svg)
    ElementTree.fromstring(svg)


def test_what_a_page_sends_that_makes_no_sense_is_answered_and_harms_nothing():
    live, sent = shown(FakeRuns(steps=1))
    for content in (
        None,
        [],
        {"type": "action"},
        {"type": "action", "run": "r2", "action": "pause", "id": 1},
        {"type": "action", "run": "r1", "action": "delete", "id": 2},
        {"type": "weights", "run": "r1", "weights": [], "id": 3},
        {"type": "__class__", "id": 4},
    ):
        live._heard(content)

    def answers():
        return [part for message in sent for part in message["parts"] if part["part"] == "done"]

    wait_for(lambda: len(answers()) == 3)
    assert {part["error"]["code"] for part in answers()} == {"REQUEST_INVALID"}
    assert sorted(part["id"] for part in answers()) == [1, 2, 3]


def wait_for(condition):
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


def test_a_page_pauses_a_run_and_moves_its_weights():
    backend = FakeRuns(steps=1)
    live, _ = shown(backend)
    live._heard({"type": "action", "run": "r1", "action": "pause", "id": 1})
    wait_for(lambda: len(backend.done) == 1)
    live._heard({"type": "weights", "run": "r1", "weights": {"format": 0.25}, "base_revision": 1, "reason": "", "id": 2})
    wait_for(lambda: len(backend.done) == 2)
    (first, action), (second, edit) = backend.done
    assert (first, action["action"]) == ("/runs/r1/actions", "pause")
    assert second == "/runs/r1/rewards"
    assert (edit["weights"], edit["base_revision"], edit["author"]) == ({"format": 0.25}, 1, "notebook")


def test_a_still_of_runs_tells_their_lines_apart():
    names = [f"Demo, think · {variant} {name}" for name in ("accuracy", "format") for variant in ("think", "no-think")]
    svg = charts_svg([Chart("Rewards", [Line(name, [(1, 0), (2, 1)]) for name in names]), Chart("KL", [])], "two runs")
    written = [element.text for element in ElementTree.fromstring(svg).iter() if element.tag.endswith("text")]
    assert [text for text in written if text.startswith("…")] == [f"… {name[14:]}" for name in names]


def test_a_still_draws_the_metrics_that_were_asked_for():
    svg, _, _ = LiveRuns(FakeRuns().step(4, kl=0.1, entropy=0.5), ["r1"], ["kl", "entropy"]).still()
    titles = [element.text for element in ElementTree.fromstring(svg).iter() if element.get("font-weight")]
    assert titles == ["KL to the reference", "entropy"]


def test_a_still_is_a_picture_with_words():
    backend = FakeRuns(steps=4)
    svg, html, words = LiveRuns(backend, ["r1"]).still()
    root = ElementTree.fromstring(svg)
    assert root.tag.endswith("svg")
    assert any(element.tag.endswith("path") for element in root.iter())
    assert words == "one (r1): running, step 4 of 100000, reward 0.004"
    assert words in html
    assert picture(svg)[:26] == "data:image/svg+xml;base64,"


def test_a_bundle_has_the_widget_a_picture_and_words_and_without_anywidget_the_last_two():
    live = LiveRuns(FakeRuns(steps=1), ["r1"])
    assert set(live.bundle(live._left())) == {"image/svg+xml", "text/html", "text/plain"}
    live, _ = shown(FakeRuns(steps=1))
    bundle = live.bundle(live._left())
    assert bundle[WIDGET_VIEW]["model_id"] == bundle[LIVE_VIEW]["model_id"] == "m1"
    assert {"image/svg+xml", "text/html", "text/plain"} < set(bundle)


@pytest.mark.parametrize("points", [[], [(1, 2.0)], [(1, 2.0), (2, 2.0)], [(n, (-1) ** n * n) for n in range(5000)]])
def test_any_curve_can_be_drawn(points):
    svg = charts_svg([Chart(HOSTILE, [Line(HOSTILE, points), Line("b", points)], [1, 4000])], HOSTILE)
    assert "nan" not in svg
    assert len(svg) < 60_000
    ElementTree.fromstring(svg)


CELLS = (
    """
import sys
sys.path.insert(0, {here!r})
from fake_runs import FakeRuns
from medr1_workbench.cells import display
display.STILL_S = 0.2
from medr1_workbench.cells.runs import LiveRuns
backend = FakeRuns(steps=3)
live = LiveRuns(backend, ["r1"])
live
""",
    """
import time
backend.step(2)
backend.state = "paused"
backend.add("state", step=5, state="paused", error=None)
end = time.monotonic() + 60
while live._still_of != ["paused"]:
    assert time.monotonic() < end
    time.sleep(0.01)
""",
)


def executed(cells):
    """The outputs of each cell, in a real kernel."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
    NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    return [cell.outputs for cell in notebook.cells]


def test_a_cell_of_a_real_kernel_shows_all_forms_and_its_picture_follows_the_run():
    (output, *others), nothing = executed([source.format(here=str(HERE)) for source in CELLS])
    assert (others, nothing) == ([], [])
    assert {LIVE_VIEW, WIDGET_VIEW, "image/svg+xml", "text/html", "text/plain"} == set(output["data"])
    assert output["data"]["text/plain"] == "one (r1): paused, step 5 of 100000, reward 0.005"
    assert "step 5" in output["data"]["image/svg+xml"]


def test_without_anywidget_a_cell_shows_picture_and_words():
    first = CELLS[0].format(here=str(HERE)).replace("import sys\n", "import sys\nsys.modules['anywidget'] = None\n")
    ((output,),) = executed([first])
    assert {"image/svg+xml", "text/html", "text/plain"} == set(output["data"])


GROUP = FakeRuns(steps=3, text=HOSTILE)._groups(2)["groups"][0]


def test_a_group_shows_its_image_and_what_was_said_as_text():
    group = Group(FakeRuns(steps=3), "r1", GROUP)
    live = group.live()
    svg, html, words = live.still()
    assert "data:image/png;base64," in svg
    assert html.count("<img") == 1
    assert "<script" not in html
    assert words.count("[A: right, reward 1]") == 8
    live.again()
    page = Page(live.outbox)
    page.drain()
    assert len(page.parts("group")[0]["group"]["completions"]) == 8
    assert len(page.parts("image")) == 1
    assert "&lt;script&gt;" in group._repr_html_()
    assert list(group.completions["reward/accuracy"]) == [1.0] * 8
    assert "8 of 8 right" in repr(group)


def test_one_completion_is_shown_alone():
    row = {"step": 2, "group": 0, "index": 3}
    live = wb.show(row, run=Run(FakeRuns(steps=3), FakeRuns().summary()))
    live.again()
    page = Page(live.outbox)
    page.drain()
    assert [one["index"] for one in page.parts("group")[0]["group"]["completions"]] == [3]
    with pytest.raises(TypeError, match="of which run"):
        wb.show(row)


class FakeItems:
    """A data set of thirty questions, twelve a page."""

    def request(self, method, path, body=None, **_):
        at = int(body.get("cursor", 0))
        items = [
            {
                "id": f"q{n}",
                "image": f"{n}.png",
                "question": HOSTILE,
                "options": ["a"],
                "answer": "A",
                "sha256": "f" * 64 if n % 2 else None,
            }
            for n in range(at, min(30, at + body["limit"]))
        ]
        return {"items": items, "total": 30, "cursor": str(at + body["limit"]) if at + body["limit"] < 30 else None}

    def picture(self, route, *parts, **query):
        assert ("path" in query) == (route == "data.image")
        return "image/png", PNG


def test_a_data_set_is_shown_page_by_page_and_each_image_comes_once_a_page():
    live = LiveItems(FakeItems(), "set", {"facets": {"modality": ["CT"]}}, lambda: "<table></table>")
    page = Page(live.outbox)
    live.again()
    now = page.drain()
    for at in (1, 2):
        live.acts()["items"]({"at": at})
        now = page.drain(now + 1)
    assert [(part["at"], len(part["items"]), part["more"]) for part in page.parts("items")] == [(0, 12, True), (1, 12, True), (2, 6, False)]
    assert len(page.parts("image")) == 30
    with pytest.raises(wb.WorkbenchError, match="not reached"):
        live.acts()["items"]({"at": 3})
    svg, html, words = live.still()
    assert svg.count("<image") == 4
    assert words.startswith("set: 30 questions")
    assert html.endswith("<table></table>")
    ElementTree.fromstring(svg)


def test_runs_side_by_side_are_one_cell():
    first, second = (Run(FakeRuns(name=name, steps=2), {**FakeRuns(name=name).summary(), "id": name}) for name in ("a", "b"))
    assert wb.compare(first, second).view() == {"kind": "runs", "runs": ["a", "b"]}


def test_settling_waits_until_every_cell_has_looked_once_more():
    pump = Pump()
    seen = []

    class Cell:
        def tick(self, now):
            return False

        def settle(self):
            seen.append(time.monotonic())

    pump.settle()  # nobody is there to wait for
    pump.add(Cell())
    before = time.monotonic()
    pump.settle()
    assert [at for at in seen if at >= before], "a look after the call"


def test_settling_leaves_the_picture_as_things_stand_though_no_look_was_due_and_messages_wait():
    backend = FakeRuns(steps=2)
    live, _ = shown(backend)
    live.tick(time.monotonic())
    backend.step(3)
    live.outbox.put("words", {"part": "done", "id": 1, "error": None})
    live.settle()
    assert live._widget.left["text"] == "one (r1): running, step 5 of 100000, reward 0.005"
    backend.down = True
    live.settle()  # told of by the next tick, and the picture stays
    assert "step 5" in live._widget.left["text"]
