"""A call list as whoever made it sees it: preview, progress, result on one card; and all lists. Pure.

Buttons `calllist:give_out`, `drop`, `pause`, `resume`, `stop`, `results`, `report` carry the list's id.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from bot.cards import (
    Block,
    Message,
    actions,
    button,
    confirm,
    context,
    date_clock,
    day_clock,
    header,
    message,
    paragraphs,
    plain,
    rep_words,
    section,
    sentence,
)
from bot.cards.batch import Sample, ready_rows, rows_left_out
from bot.cards.outcomes import SHORT
from bot.cards.times import counted, how_often, pace
from bot.events import Outcome

if TYPE_CHECKING:
    from bot.store.calling_lists import CallingList, Progress

WORDS: Mapping[str, str] = MappingProxyType(
    {
        "invalid": "invalid",
        "duplicate": "twice in the table",
        "dnc": "on the do-not-call list",
        "forbidden": "not allowed by the policy",
    }
)
"""State of rows that were left out -> words for people, in the order of the card."""
LISTED = 20
"""Lists that `/campaign calllist` shows."""

_BAR = 10
_REPS_SHOWN = 10


def list_card(
    found: "CallingList",
    progress: "Progress",
    reps: Sequence[str],
    unlinked: Sequence[str],
    hours: Mapping[str, int],
    samples: Mapping[str, Sequence[Sample]],
    now: float,
    zone: str,
    approvers: str = "",
) -> Message:
    """The card.

    `reps`: Slack user ids of who calls; those of them without a phone are `unlinked`, too.
    `samples`: state -> the first rows in it.  `approvers`: who may say yes where somebody has to, mrkdwn.
    """
    counts = progress.counts
    rows = sum(counts.values())
    file = plain(found.source) + (f", {rows:,} {'row' if rows == 1 else 'rows'}" if rows else "")
    blocks = [
        header(f"Call list {found.name}", "calllist:title"),
        section(f"*{headline(found, counts)}*\n{file}", "calllist:state"),
    ]
    if found.words:
        blocks += paragraphs([sentence(found.words)], "calllist:words")
    if found.state == "asked":
        blocks += paragraphs([f"{approvers or 'A second manager'} has to say yes first."], "calllist:asked")
    if found.state in ("preview", "asked"):
        mind = "reps are asked before they place such a call"
        blocks += _callers(found, reps, unlinked)
        blocks += ready_rows(counts.get("ready", 0), hours, samples.get("ready", ()), mind)
        blocks += rows_left_out(counts, samples, WORDS)
    elif found.state != "dropped":
        blocks += _progress(found, progress, reps, now, zone)
    if found.notes and found.state == "preview":
        blocks += paragraphs(map(sentence, found.notes.splitlines()), "calllist:notes", 3)
    if buttons := _buttons(found, counts):
        blocks.append(actions(buttons, "calllist:do"))
    blocks.append(context([f"Made by {rep_words(found.by)}, {date_clock(found.at, zone)}."], "calllist:by"))
    return message(blocks)


def headline(found: "CallingList", counts: Mapping[str, int]) -> str:
    """How it stands, in a few words."""
    ready = counts.get("ready", 0)
    match found.state:
        case "preview" if ready:
            return f"{contacts(ready)} can be given out. Nobody was called yet."
        case "preview":
            return "Nobody on it can be called."
        case "asked":
            return f"{contacts(ready)} {'waits' if ready == 1 else 'wait'} for a second manager. Nobody was called yet."
        case "running":
            return f"Being called: {_done(counts):,} of {_all(counts):,} done."
        case "paused":
            return f"Paused: {_done(counts):,} of {_all(counts):,} done."
        case "done":
            return f"Done: {counts.get('done', 0):,} called, {counts.get('skipped', 0):,} skipped."
        case "stopped":
            return f"Stopped for good: {_done(counts):,} of {_all(counts):,} done."
        case _:
            return "Discarded. Nobody was called, and what was read is forgotten."


def contacts(count: int) -> str:
    """ "1 contact", "1,200 contacts"."""
    return counted(count, "contact")


def lists_message(
    found: Sequence[tuple["CallingList", Mapping[str, int], Sequence[str]]], zone: str, command: str, *, others: bool
) -> Message:
    """The answer to `/campaign calllist`: (list, states of its rows, who calls) of the latest.

    Button `calllist:new` opens the form. `command`: how `/campaign` is called here. `others`: whoever asks may make
    lists for colleagues.
    """
    blocks = [header("Call lists", "calllist:title")]
    lines = []
    for number, (one, counts, reps) in enumerate(found, 1):
        who = ", ".join(map(rep_words, reps[:_REPS_SHOWN])) + (", …" if len(reps) > _REPS_SHOWN else "")
        lines.append(f"{number}. *{plain(one.name)}* for {who}: {headline(one, counts)}")
        lines.append(f"   made by {rep_words(one.by)}, {date_clock(one.at, zone)}")
    if not lines:
        lines.append("There are no call lists yet.")
    blocks += paragraphs(lines, "calllist:lists", 20)
    blocks.append(actions([button("New call list…", "calllist:new", "new")], "calllist:do"))
    how = f"`{command} calllist NAME{' for @somebody' if others else ''}` makes one."
    blocks.append(context([how], "calllist:how"))
    return message(blocks)


def _callers(found: "CallingList", reps: Sequence[str], unlinked: Sequence[str]) -> list[Block]:
    lines = [f"To be called by {', '.join(map(rep_words, reps))}, one contact at a time each."]
    if found.tries > 1:
        lines.append(f"Whoever is not reached is called up to {how_often(found.tries)}.")
    if unlinked:
        lines.append(
            f"No phone is linked for {', '.join(map(rep_words, unlinked))}: they cannot call before they have typed "
            "`/phone`."
        )
    return paragraphs(lines, "calllist:reps", 2)


def _done(counts: Mapping[str, int]) -> int:
    return sum(counts.get(state, 0) for state in ("done", "skipped", "barred"))


def _left(counts: Mapping[str, int]) -> int:
    return sum(counts.get(state, 0) for state in ("ready", "offered", "calling"))


def _all(counts: Mapping[str, int]) -> int:
    return _done(counts) + _left(counts)


def _progress(found: "CallingList", progress: "Progress", reps: Sequence[str], now: float, zone: str) -> list[Block]:
    counts = progress.counts
    done, every, left = _done(counts), _all(counts), _left(counts)
    full = _BAR * done // max(every, 1)
    parts = [
        f"{counts.get('done', 0):,} called",
        f"{counts.get('skipped', 0):,} skipped",
        f"{counts['barred']:,} not allowed any more" if counts.get("barred") else "",
        f"{left:,} left" if found.state in ("running", "paused") else f"{left:,} not called",
        f"{progress.later:,} of them later" if progress.later else "",
    ]
    lines = [
        f"{'▰' * full}{'▱' * (_BAR - full)} {100 * done // max(every, 1)} %",
        f"*{', '.join(part for part in parts if part)}*",
    ]
    lines += [_outcome(outcome, count) for outcome, count in sorted(progress.outcomes.items(), key=lambda one: -one[1])]
    blocks = paragraphs(lines, "calllist:progress", 3)
    lines = []
    for user in dict.fromkeys((*reps, *progress.reps)):
        handled, talked = progress.reps.get(user, (0, 0))
        lines.append(f"• {rep_words(user)}: *{handled:,}* done, {talked:,} of them talked to")
    blocks += paragraphs(lines, "calllist:by_rep", 3)
    speed = pace(found.begun_at, progress.recent[0], left, now, zone) if found.state == "running" else ""
    return [*blocks, context([speed, f"As of {day_clock(now, now, zone)}."], "calllist:pace")]


def _outcome(outcome: str, count: int) -> str:
    return f"• {SHORT[Outcome(outcome)] if outcome else 'not over yet'}: *{count:,}*"


def _buttons(found: "CallingList", counts: Mapping[str, int]) -> list[Block]:
    ready, name = counts.get("ready", 0), found.name
    buttons: list[Block] = []
    if found.state == "preview" and ready:
        label = f"Give out {contacts(ready)}"
        buttons.append(button(label, "calllist:give_out", found.id, style="primary", about=name))
    if found.state in ("preview", "asked"):
        buttons.append(button("Discard", "calllist:drop", found.id, about=name))
    if found.state == "running":
        buttons.append(button("Pause", "calllist:pause", found.id, about=name))
    if found.state == "paused":
        buttons.append(button("Resume", "calllist:resume", found.id, style="primary", about=name))
    if found.state in ("running", "paused"):
        ask = confirm(
            "Stop for good?", "Nobody more of it is called. A call that runs goes on.", "Stop", "Back", danger=True
        )
        buttons.append(button("Stop", "calllist:stop", found.id, about=name, ask=ask))
    if found.begun_at:
        buttons.append(button("Results", "calllist:results", found.id, about=name))
    if found.state != "dropped" and any(counts.get(state) for state in WORDS):
        buttons.append(button("Rows left out, as CSV", "calllist:report", found.id, about=name))
    return buttons
