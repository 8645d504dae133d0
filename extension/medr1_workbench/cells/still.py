"""The picture and the words that stay in a notebook: what it shows where no kernel runs and no widget is drawn.

SVG by hand, so that a kernel needs no drawing library. Names and texts are escaped; there is no script and no address in it.
"""

from __future__ import annotations

import base64
import unicodedata
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, NamedTuple

Points = Sequence[tuple[float, float]]
# As the views of JupyterLab draw series: Okabe-Ito, a dash as second carrier. Grey text reads on white and on dark pages alike.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b07d00", "#2a8fc7")
DASHES = ("", "6 3", "2 3", "6 3 2 3")
TEXT, LINE = "#6b6b6b", "#9a9a9a"
WIDTH, CHART = 360, 150
LEFT, RIGHT, TOP, BOTTOM = 48, 8, 22, 34
LETTER, KEY, ROW = 6.5, 20, 14  # of a legend: a letter, the line before a name with the gap after it, and a row
MOST_POINTS = 150


class Line(NamedTuple):
    """A curve: its name, and its points in the order of x."""

    name: str
    points: Points


class Chart(NamedTuple):
    title: str
    lines: Sequence[Line]
    #: Steps at which something was changed; a thin line each.
    marks: Sequence[int] = ()


def charts_svg(charts: Sequence[Chart], says: str) -> str:
    """Charts in two columns. `says` is read out in their place."""
    columns = min(2, max(1, len(charts)))
    rows = -(-max(1, len(charts)) // columns)
    a_chart = CHART + ROW * max((_rows(chart.lines) - 1 for chart in charts), default=0)
    width, height = columns * WIDTH, rows * a_chart
    drawn = "".join(
        f'<g transform="translate({at % columns * WIDTH} {at // columns * a_chart})">{_chart(chart)}</g>' for at, chart in enumerate(charts)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        f'aria-label="{_attribute(says)}" font-family="sans-serif" font-size="11" fill="{TEXT}">{drawn}</svg>'
    )


def _chart(chart: Chart) -> str:
    title = f'<text x="{LEFT}" y="14" font-weight="600">{_text(chart.title, 48)}</text>'
    points = [point for line in chart.lines for point in line.points]
    if not points:
        return f'{title}<text x="{LEFT}" y="{CHART / 2:g}">no values yet</text>'
    low_x, high_x = _ends([x for x, _ in points])
    low, high = _ends([y for _, y in points])

    def at(x: float, y: float) -> tuple[float, float]:
        across = LEFT + (x - low_x) / (high_x - low_x) * (WIDTH - LEFT - RIGHT)
        return across, CHART - BOTTOM - (y - low) / (high - low) * (CHART - TOP - BOTTOM)

    marks = "".join(
        f'<path d="M{at(step, low)[0]:.1f} {TOP}V{CHART - BOTTOM}" stroke="{LINE}" stroke-dasharray="2 2"/>'
        for step in chart.marks
        if low_x <= step <= high_x
    )
    lines = "".join(
        f'<path d="{_path(line.points, at)}" fill="none" stroke="{COLOURS[n % len(COLOURS)]}" stroke-width="1.5" '
        f'stroke-linecap="round" stroke-dasharray="{DASHES[n // len(COLOURS) % len(DASHES)]}"/>'
        for n, line in enumerate(chart.lines)
    )
    frame = f'<path d="M{LEFT} {TOP}V{CHART - BOTTOM}H{WIDTH - RIGHT}" fill="none" stroke="{LINE}"/>'
    ticks = (
        f'<text x="{LEFT - 4}" y="{TOP + 8}" text-anchor="end">{high:.3g}</text>'
        f'<text x="{LEFT - 4}" y="{CHART - BOTTOM}" text-anchor="end">{low:.3g}</text>'
        f'<text x="{LEFT}" y="{CHART - BOTTOM + 12}">{low_x:g}</text>'
        f'<text x="{WIDTH - RIGHT}" y="{CHART - BOTTOM + 12}" text-anchor="end">step {high_x:g}</text>'
    )
    return title + marks + frame + lines + ticks + _legend(chart.lines)


def _legend(lines: Sequence[Line]) -> str:
    if len(lines) < 2:
        return ""
    names = _told_apart([line.name for line in lines])
    columns = _columns(names)
    room = (WIDTH - LEFT - RIGHT) / columns
    shown = int((room - KEY) / LETTER)
    places = [(LEFT + n % columns * room, CHART + n // columns * ROW) for n in range(len(names))]
    return "".join(
        f'<path d="M{x:.1f} {y - 8}h10" stroke="{COLOURS[n % len(COLOURS)]}" stroke-width="2" '
        f'stroke-dasharray="{DASHES[n // len(COLOURS) % len(DASHES)]}"/>'
        f'<text x="{x + 13:.1f}" y="{y - 4}">{_text(name, shown)}</text>'
        for n, (name, (x, y)) in enumerate(zip(names, places, strict=True))
    )


def _rows(lines: Sequence[Line]) -> int:
    return 0 if len(lines) < 2 else -(-len(lines) // _columns(_told_apart([line.name for line in lines])))


def _columns(names: Sequence[str]) -> int:
    """As many as the longest name leaves room for."""
    wanted = max(len(name) for name in names) * LETTER + KEY
    return max(1, min(len(names), int((WIDTH - LEFT - RIGHT) / wanted)))


def _told_apart(names: Sequence[str]) -> list[str]:
    """Without the words with which all of them begin: a legend cuts names at their end, where runs of a sweep differ."""
    words = [name.split(" ") for name in names]
    shared = 0
    while len({tuple(each[: shared + 1]) for each in words}) == 1 and all(len(each) > shared + 1 for each in words):
        shared += 1
    return [" ".join(["…", *each[shared:]]) for each in words] if shared else list(names)


def _path(points: Points, at: Any) -> str:
    """At most MOST_POINTS of them, the last one among them."""
    every = -(-len(points) // MOST_POINTS)
    kept = [point for n, point in enumerate(reversed(points)) if n % every == 0][::-1]
    first, *others = [at(x, y) for x, y in kept]
    return f"M{first[0]:.1f} {first[1]:.1f}" + ("".join(f"L{x:.1f} {y:.1f}" for x, y in others) or "h0")


def _ends(values: Sequence[float]) -> tuple[float, float]:
    """Where an axis begins and ends; never at one place."""
    low, high = min(values), max(values)
    if low == high:
        room = abs(low) * 0.1 or 1.0
        return low - room, high + room
    return low, high


def sheet_svg(images: Sequence[tuple[str | None, str]], says: str) -> str:
    """Images in a row, a line of text under each; an empty frame where there is none."""
    side = 96
    drawn = "".join(
        f'<g transform="translate({at * (side + 64)} 0)">'
        + (
            f'<image href="{_attribute(url)}" width="{side}" height="{side}"/>'
            if url
            else f'<path d="M0 0h{side}v{side}h-{side}z" fill="none" stroke="{LINE}" stroke-dasharray="3 3"/>'
        )
        + f'<text x="0" y="{side + 14}">{_text(text, 26)}</text></g>'
        for at, (url, text) in enumerate(images)
    )
    width, height = max(1, len(images)) * (side + 64), side + 22
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        f'aria-label="{_attribute(says)}" font-family="sans-serif" font-size="11" fill="{TEXT}">{drawn}</svg>'
    )


def line_of(name: str, series: Mapping[int, Mapping[str, float | None]], metric: str) -> Line:
    """A metric of a run's series as a line; steps that did not log it are left out."""
    found = ((step, series[step].get(metric)) for step in sorted(series))
    return Line(name, [(step, value) for step, value in found if value is not None])


def picture(svg: str) -> str:
    """The same as the address of an image: what a page puts into <img> runs no script."""
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"


def readable(text: str) -> str:
    """A text in which every letter is seen: what steers a terminal or the direction of writing, or cannot be in a file, is shown as �."""
    return "".join("\ufffd" if unicodedata.category(letter) in UNSEEN else letter for letter in text)


UNSEEN = frozenset({"Cc", "Cf", "Cs"})


def _text(text: str, longest: int) -> str:
    return escape(readable(text if len(text) <= longest else f"{text[: longest - 1]}…"))


def _attribute(text: str) -> str:
    return escape(readable(text), quote=True)
