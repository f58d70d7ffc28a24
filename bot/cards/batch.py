"""Calls of a file on their way into a campaign: preview, progress, result, on one card. Pure.

Buttons `campaign:add_rows`, `campaign:drop_rows`, `campaign:pause_rows`, `campaign:report` carry the batch's id.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from bot.cards import (
    Block,
    Message,
    actions,
    button,
    confirm,
    context,
    date_clock,
    header,
    message,
    paragraphs,
    plain,
    section,
    sentence,
    who,
)
from bot.cards.times import counted
from bot.orders import CampaignCall

if TYPE_CHECKING:
    from bot.store.campaigns import Batch

WORDS: Mapping[str, str] = {
    "invalid": "invalid",
    "duplicate": "twice in the file, or waiting in the campaign already",
    "dnc": "on the do-not-call list",
    "forbidden": "not allowed by the policy",
    "rejected": "refused by the phone service",
    "unclear": "unclear: they may have been added or not, and are not sent again",
}
"""State of rows that are not added -> words for people, in the order of the card."""
SAMPLES = 3
"""Rows of each kind that the card shows."""

Sample = tuple[int, str, str, CampaignCall | None]


def batch_card(
    batch: "Batch",
    counts: Mapping[str, int],
    hours: Mapping[str, int],
    samples: Mapping[str, Sequence[Sample]],
    zone: str,
    approvers: str = "",
) -> Message:
    """The card. `samples`: state -> the first rows in it, as (line, as typed, why, call).

    `approvers`: who may say yes where somebody has to, mrkdwn.
    """
    rows = sum(counts.values())
    file = f"{plain(batch.source)}, {rows:,} {'row' if rows == 1 else 'rows'}"
    blocks = [
        header(f"Calls for {batch.name}", "batch:title"),
        section(f"*{headline(batch, counts)}*\n{file}", "batch:state"),
    ]
    if batch.state in ("adding", "paused", "done"):
        blocks.append(section(_progress(counts), "batch:progress"))
    if batch.state in ("paused", "dropped"):
        blocks += paragraphs([sentence(batch.words)], "batch:words")
    if batch.state == "asked":
        blocks += paragraphs([f"{approvers or 'A second manager'} has to say yes first."], "batch:asked")
    if batch.state in ("preview", "asked"):
        mind = "mind when the campaign runs"
        blocks += ready_rows(counts.get("ready", 0), hours, samples.get("ready", ()), mind)
    blocks += rows_left_out(counts, samples, WORDS)
    if batch.notes and batch.state == "preview":
        blocks += paragraphs(map(sentence, batch.notes.splitlines()), "batch:notes", 3)
    buttons = _buttons(batch, counts)
    if buttons:
        blocks.append(actions(buttons, "batch:do"))
    blocks.append(context([f"Sent by <@{batch.by}>, {date_clock(batch.at, zone)}."], "batch:by"))
    return message(blocks)


def headline(batch: "Batch", counts: Mapping[str, int]) -> str:
    """How it stands, in a few words."""
    ready, added = counts.get("ready", 0), counts.get("added", 0)
    match batch.state:
        case "preview" if ready:
            return f"{counted(ready, 'call')} can be added. Nothing was sent yet."
        case "preview":
            return "No call can be added."
        case "asked":
            waits = "waits" if ready == 1 else "wait"
            return f"{counted(ready, 'call')} {waits} for a second manager. Nothing was sent yet."
        case "adding":
            return "Being added…"
        case "paused":
            return f"Paused; {counted(ready, 'call')} left."
        case "done":
            return f"Done: {counted(added, 'call')} added."
        case _:
            return f"Stopped for good: {counted(added, 'call')} added, {ready:,} not sent."


def _progress(counts: Mapping[str, int]) -> str:
    sent = sum(counts.get(state, 0) for state in ("added", "rejected", "unclear"))
    wanted = sent + counts.get("ready", 0) + counts.get("sending", 0)
    return f"{100 * sent // max(wanted, 1)} %: {sent:,} of {wanted:,} sent, {counts.get('added', 0):,} added"


def ready_rows(ready: int, hours: Mapping[str, int], samples: Sequence[Sample], mind: str) -> list[Block]:
    """The first of those whom a table calls. `mind`: what to do about those outside calling hours, a clause."""
    lines = [f"• line {line}: {who(call.number, call.name)}" for line, _, _, call in samples if call]
    if ready > len(lines) > 0:
        lines.append(f"• … and {ready - len(lines):,} more")
    closed, unknown = hours.get("closed", 0), hours.get("unknown", 0)
    if closed:
        lines.append(f"{counted(closed, 'call')} would be outside calling hours where the number is: {mind}.")
    if unknown:
        lines.append(f"For {unknown:,} of them it is not known what time it is there.")
    return paragraphs(lines, "batch:ready", 2)


def rows_left_out(
    counts: Mapping[str, int], samples: Mapping[str, Sequence[Sample]], kinds: Mapping[str, str]
) -> list[Block]:
    """How many rows of a table were left out, and the first of each kind. `kinds`: state -> words for people."""
    lines: list[str] = []
    for state, words in kinds.items():
        if not counts.get(state):
            continue
        lines.append(f"*{counts[state]:,}* {words}:")
        lines += [
            f"• line {line}: {plain(typed, 40)}{f' – {sentence(why, 200)}' if why else ''}"
            for line, typed, why, _ in samples.get(state, ())
        ]
        if counts[state] > len(samples.get(state, ())):
            lines.append("• …")
    return paragraphs(lines, "batch:out", 4)


def _buttons(batch: "Batch", counts: Mapping[str, int]) -> list[Block]:
    ready, name = counts.get("ready", 0), batch.name
    found: list[Block] = []
    if batch.state in ("preview", "paused") and ready:
        label = f"Add {counted(ready, 'call')}" if batch.state == "preview" else f"Go on with {counted(ready, 'call')}"
        found.append(button(label, "campaign:add_rows", batch.id, style="primary", about=name))
    if batch.state in ("preview", "asked", "paused"):
        ask = confirm(
            "Add no more?", "What is added already stays in the campaign.", "Add no more", "Back", danger=True
        )
        found.append(button("Discard", "campaign:drop_rows", batch.id, about=name, ask=ask))
    if batch.state == "adding":
        found.append(button("Pause", "campaign:pause_rows", batch.id, about=name))
    if batch.state != "adding" and any(counts.get(state) for state in WORDS):
        found.append(button("Rows left out, as CSV", "campaign:report", batch.id, about=name))
    return found
