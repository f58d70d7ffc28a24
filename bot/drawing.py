"""The picture of a digest: calls by hour, as bars. A program of its own, and no module for the bot to import.

    python -m bot.drawing < hours.json > hours.png

matplotlib costs 96 MB and holds up whoever draws for most of a second; here both end with the process, which
`bot.pictures` starts. The picture says nothing by colour alone, has a white ground of its own, for Slack's dark mode,
and shows no names, so the letters that matplotlib brings are enough.
"""

import json
import sys
from collections.abc import Mapping
from typing import Any, BinaryIO

INCHES = 8.0, 3.2
DOTS = 200
"""Dots per inch: a picture of 800 by 320 for screens that have two dots where others have one."""
INCOMING, MISSED, OUTGOING = "#8ab6d6", "#c0392b", "#3d4852"
"""Light, middle and dark: they differ where colours are not told apart, and on paper."""
INK, FAINT = "#333333", "#d9d9d9"
WIDTH = 0.4
"""Of a bar; an hour is 1 wide and has two."""


def draw(hours: Mapping[str, Any], out: BinaryIO) -> None:
    """Write the picture as PNG. `hours`: as of `digest_words.bars()`, 24 counts each."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=INCHES, dpi=DOTS, facecolor="white", layout="constrained")
    axes = figure.add_subplot(facecolor="white")
    at = range(24)
    incoming, missed, outgoing = hours["incoming"], hours["missed"], hours["outgoing"]
    left, right = [hour - WIDTH / 2 for hour in at], [hour + WIDTH / 2 for hour in at]
    for where, counts, colour, hatch, label in (
        (left, incoming, INCOMING, "", "Incoming"),
        (left, missed, MISSED, "////", "of them missed"),
        (right, outgoing, OUTGOING, "", "Outgoing"),
    ):
        axes.bar(where, counts, WIDTH, color=colour, hatch=hatch, label=label, edgecolor="white", linewidth=0.6)

    axes.set_xlim(-0.6, 23.6)
    axes.set_xticks(range(0, 24, 2), [f"{hour:02}:00" for hour in range(0, 24, 2)])
    axes.set_xlabel(f"Hour in which the call began ({hours['zone']})", color=INK)
    axes.set_ylabel("Number of calls", color=INK)
    axes.set_ylim(0, max(1, *incoming, *outgoing) * 1.05)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    axes.grid(axis="y", color=FAINT, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(colors=INK, length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(INK)
    figure.legend(loc="outside upper left", ncols=3, frameon=False, labelcolor=INK, handlelength=1.6)
    figure.savefig(out, format="png", metadata={"Software": None})


def main() -> None:
    """Hours from stdin, picture to stdout."""
    draw(json.loads(sys.stdin.buffer.read()), sys.stdout.buffer)


if __name__ == "__main__":
    main()
