"""The card of a voice message: a plain one for a single recipient, a card of results for many. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from bot import window
from bot.call import Call
from bot.cards import (
    Block,
    Message,
    actions,
    button,
    confirm,
    context,
    day_clock,
    header,
    message,
    plain,
    rep_words,
    section,
    sentence,
    upper_first,
    who,
    who_plain,
)
from bot.cards.recording import get_button
from bot.cards.said import GROUPS, Result, Said, how_words, result_of, what_words
from bot.cards.times import PACE_SECONDS, pace
from bot.events import State
from bot.numbers import pretty

if TYPE_CHECKING:
    from bot.store.messages import Batch, Recipient

NAMED = 8
"""Recipients of a batch that its card names with their reason; all are in the CSV."""
ASKED = 5
"""Unclear ones that a card asks of at the same time."""
HOURS = 4
"""Different moments that a card says messages are deferred to."""


def voicemsg_card(
    batch: "Batch",
    said: Said,
    recipients: "Sequence[tuple[Recipient, Call | None]]",
    *,
    account_title: str,
    now: float,
    zone: str,
    can_hang_up: bool = False,
    recording: bool = False,
    approvers: str = "",
) -> Message:
    """The card of a batch in every state. Times are seconds since 1970 UTC, shown in the IANA `zone`.

    `recording`: that of a single one can be listened to.  `approvers`: who may say yes where somebody has to, mrkdwn.

    Buttons carry the batch's id: `voicemsg:send`, `voicemsg:drop`, `voicemsg:stop`, `voicemsg:pause`,
    `voicemsg:resume`, `voicemsg:csv`; those of a single
    call, and of one that is unclear, its own: `call:hang_up`, `call:settle_rang`, `call:settle_no`, `recording:get`.
    """
    results = [result_of(recipient, call) for recipient, call in recipients]
    facts = context(
        [
            f"Plays {what_words(said)}",
            f"line {plain(pretty(said.line))}" if said.line else "",
            f"via {plain(account_title)}",
            "listens for keys" if said.keys else "",
            "listens for words" if said.words else "",
            *how_words(said),
        ],
        "voicemsg:facts",
    )
    if len(recipients) == 1:
        return _single(batch, *recipients[0], results[0], facts, now, zone, can_hang_up, recording)
    speed = _speed(recipients, now, zone) if batch.state == "running" else ""
    asked = _asked(recipients)
    return _many(batch, [recipient for recipient, _ in recipients], results, asked, facts, now, zone, approvers, speed)


def their_time(at: float, now: float, number: str) -> str:
    """When that is by the recipient's clock: "09:00 their time", "tomorrow 09:00 their time"."""
    zones = window.zones_of(number)
    return f"{day_clock(at, now, zones[0])} their time" if zones else day_clock(at, now, "UTC")


# One recipient.


def _single(
    batch: "Batch",
    recipient: "Recipient",
    call: Call | None,
    result: Result,
    facts: Block,
    now: float,
    zone: str,
    can_hang_up: bool,
    recording: bool,
) -> Message:
    party = who(recipient.number, recipient.name)
    label = who_plain(recipient.number, recipient.name)
    headline, detail = _one(batch, recipient, call, result, party, now, zone)
    blocks = [section(f"📣 *{upper_first(headline)}*" + (f"\n{detail}" if detail else ""), "voicemsg:state"), facts]
    if batch.state == "draft":
        when = "Schedule it" if recipient.due_at > now else "Send"
        buttons = [button(when, "voicemsg:send", batch.id, style="primary", about=label), _drop(batch)]
    elif call is not None and call.state is State.UNCLEAR:
        buttons = _settling(call, label)
    elif recipient.state == "waiting":
        buttons = [button("Cancel", "voicemsg:stop", batch.id, about=label)]
    elif call is not None and call.live and can_hang_up and not call.hanging_up(now):
        buttons = [button("Hang up", "call:hang_up", call.id, style="danger", about=label)]
    elif call is not None and recording:
        buttons = [get_button(call, label)]
    else:
        buttons = []
    return message([*blocks, actions(buttons, "voicemsg:actions")] if buttons else blocks)


def _one(
    batch: "Batch", recipient: "Recipient", call: Call | None, result: Result, party: str, now: float, zone: str
) -> tuple[str, str]:
    """(headline, what more there is to say)."""
    answered = " ".join(
        text
        for text in (
            f"Pressed {plain(result.keys)}." if result.keys else "",
            f"Said: “{plain(result.phrases, 400)}”." if result.phrases else "",
        )
        if text
    )
    if batch.state == "dropped":
        return f"discarded: the voice message to {party}", "Nobody was called."
    match result.group:
        case "waiting":
            theirs, here = their_time(recipient.due_at, now, recipient.number), day_clock(recipient.due_at, now, zone)
            when = theirs if theirs.removesuffix(" their time") == here else f"{theirs} ({here})"
            if batch.state == "draft":
                return f"a voice message to {party}", f"Nothing was sent yet. The earliest it can be: {when}."
            if recipient.due_at > now:
                return f"the voice message to {party} is scheduled", f"To be sent: {when}."
            return f"the voice message to {party} is about to be sent", ""
        case "calling" if call is not None and call.state is State.TALKING:
            return f"playing the voice message to {party}", answered
        case "calling":
            return f"calling {party}", "The message is played when somebody picks up."
        case "heard":
            return f"{party} heard the message", answered
        case "reached":
            return f"{party} picked up", answered or "Whether the message was heard to its end is not told."
        case "unknown":
            return f"the call to {party} is over", "The phone service has not told whether anybody picked up."
        case "unclear":
            return f"unclear: the voice message to {party}", (
                f"{sentence(result.words)} It is unclear whether it was sent. Callboard will not send it again by "
                "itself. Ask them, then say which it was."
            )
        case "refused":
            return f"the voice message to {party} was not sent", sentence(result.words)
        case "stopped":
            by = rep_words(batch.ended_by) or "Callboard"
            return f"cancelled: the voice message to {party}", f"By {by}; nobody was called."
        case "forgotten":
            return f"the voice message to {party} was sent", "What became of it is not on record any more."
    return f"{party} was not reached", " ".join(part for part in (f"{upper_first(result.words)}.", answered) if part)


def _drop(batch: "Batch") -> Block:
    return button("Discard", "voicemsg:drop", batch.id, about="voice message")


# Many.


def _many(
    batch: "Batch",
    recipients: "Sequence[Recipient]",
    results: Sequence[Result],
    asked: list[Block],
    facts: Block,
    now: float,
    zone: str,
    approvers: str,
    speed: str,
) -> Message:
    groups = Counter(result.group for result in results)
    total = len(results)
    done = total - groups["waiting"] - groups["calling"]
    blocks = [header(_title(batch, groups, total), "voicemsg:title")]
    waiting = [row for row in recipients if row.state == "waiting"]
    if batch.state in ("draft", "asked"):
        count = len(waiting)
        state = f"*Nothing was sent yet.* {count} of {total} can be called: {_some(waiting)}."
        if batch.state == "asked":
            state += f"\n{approvers or 'A second manager'} has to say yes first."
        blocks.append(section(state, "voicemsg:state"))
    elif batch.state == "dropped":
        blocks.append(section("Nobody was called.", "voicemsg:state"))
    else:
        counts = [f"*{groups[group]}* {words}" for group, words in GROUPS.items() if groups[group]]
        blocks.append(section(f"{_bar(done, total)} {done} of {total} done\n{' · '.join(counts)}", "voicemsg:state"))
        if batch.state == "paused":
            blocks.append(section("Nobody more is called until somebody presses *Resume*.", "voicemsg:paused"))
        answers = _answers(results)
        if answers:
            blocks.append(section("\n".join(answers), "voicemsg:answers"))
    if waiting and max(row.due_at for row in waiting) > now:
        blocks.append(section(_hours(waiting, now, zone), "voicemsg:hours"))
    told = _named(recipients, results)
    if told:
        blocks.append(section(told, "voicemsg:reasons"))
    blocks += asked
    if batch.state == "dropped" or groups["stopped"]:
        verb = "Discarded" if batch.state == "dropped" else "Stopped"
        blocks.append(context([f"{verb} by {rep_words(batch.ended_by) or 'Callboard'}"], "voicemsg:ended"))
    if speed:
        blocks.append(context([speed], "voicemsg:pace"))
    blocks.append(facts)
    buttons = _buttons(batch, len(waiting), done)
    return message([*blocks, actions(buttons, "voicemsg:actions")] if buttons else blocks)


def _speed(recipients: "Sequence[tuple[Recipient, Call | None]]", now: float, zone: str) -> str:
    """How many an hour are called, and when all will be whose hour has come."""
    # Not since the first of all: there may be a night in between, or a pause.
    recent = [call.started_at for _, call in recipients if call is not None and call.started_at > now - PACE_SECONDS]
    left = sum(row.state == "waiting" and row.due_at <= now for row, _ in recipients)
    return pace(min(recent, default=0), len(recent), left, now, zone)


def _some(recipients: "Sequence[Recipient]") -> str:
    """The first of them by name, for whoever has to say yes."""
    named, more = [who(row.number, row.name) for row in recipients[:NAMED]], len(recipients) - NAMED
    return "; ".join(named) + (f"; and {more} more" if more > 0 else "")


def _title(batch: "Batch", groups: Mapping[str, int], total: int) -> str:
    if batch.state == "draft":
        return f"Send a voice message to {total} recipients?"
    if batch.state == "asked":
        return f"Waiting for a second manager: a voice message to {total} recipients"
    if batch.state == "dropped":
        return f"Discarded: a voice message to {total} recipients"
    over = not groups["waiting"] and not groups["calling"]
    going = "Paused" if batch.state == "paused" else "Sending"
    verb = "Stopped" if groups["stopped"] else "Sent" if over else going
    return f"{verb}: a voice message to {total} recipients"


def _bar(done: int, total: int) -> str:
    filled = round(10 * done / total)
    return "▓" * filled + "░" * (10 - filled)


def _answers(results: Iterable[Result]) -> list[str]:
    keys = Counter(result.keys for result in results if result.keys)
    lines = [f"Pressed {plain(key)}: {count}" for key, count in keys.most_common(10)]
    spoken = [result.phrases for result in results if result.phrases]
    if spoken:
        said = ", ".join(f"“{plain(phrase)}”" for phrase in list(dict.fromkeys(spoken))[:5])
        lines.append(f"Answered in words: {len(spoken)} ({said})")
    return lines


def _hours(waiting: "Sequence[Recipient]", now: float, zone: str) -> str:
    """ "34 wait until 09:00 their time". Those of one local moment are one line, wherever they are."""
    moments: Counter[str] = Counter()
    first: dict[str, float] = {}
    for row in waiting:
        if row.due_at > now:
            moment = their_time(row.due_at, now, row.number)
            moments[moment] += 1
            first[moment] = min(row.due_at, first.get(moment, row.due_at))
    lines = [
        f"{count} deferred to {moment} (from {day_clock(first[moment], now, zone)} on)"
        for moment, count in moments.most_common(HOURS)
    ]
    more = sum(moments.values()) - sum(count for _, count in moments.most_common(HOURS))
    return "\n".join([*lines, f"and {more} later" if more else ""]).strip()


def _named(recipients: "Sequence[Recipient]", results: Sequence[Result]) -> str:
    told = [
        f"• {who(row.number, row.name)}: {sentence(result.words, 200)}"
        for row, result in zip(recipients, results, strict=True)
        if result.group in ("refused", "unclear", "not reached")
    ]
    more = [f"• and {len(told) - NAMED} more, see the results as CSV"] if len(told) > NAMED else []
    return "\n".join([*told[:NAMED], *more])


def _asked(recipients: "Sequence[tuple[Recipient, Call | None]]") -> list[Block]:
    """The question what became of those that are unclear, a few at a time: nobody else can tell."""
    blocks: list[Block] = []
    unclear = [(row, call) for row, call in recipients if call is not None and call.state is State.UNCLEAR]
    for place, (row, call) in enumerate(unclear[:ASKED]):
        blocks.append(section(f"Did it ring at {who(row.number, row.name)}?", f"voicemsg:unclear:{place}"))
        label = f"{row.position + 1}. {who_plain(row.number, row.name)}"  # two may have one name, cut before the number
        blocks.append(actions(_settling(call, label), f"voicemsg:settle:{place}"))
    return blocks


def _settling(call: Call, label: str) -> list[Block]:
    return [
        button("It rang", "call:settle_rang", call.id, about=label),
        button("Nothing rang", "call:settle_no", call.id, about=label),
    ]


def _buttons(batch: "Batch", waiting: int, done: int) -> list[Block]:
    buttons: list[Block] = []
    if batch.state == "draft":
        called = "One person is called," if waiting == 1 else f"{waiting} people are called, each"
        means = f"{called} in their own calling hours. Each call may cost money."
        ask = confirm("Send it?", means, "Send", "Not yet")
        buttons = [
            button(f"Send to {waiting}", "voicemsg:send", batch.id, style="primary", about="voice message", ask=ask),
            _drop(batch),
        ]
    elif batch.state == "asked":
        buttons.append(_drop(batch))
    elif batch.state in ("running", "paused") and waiting:
        if batch.state == "running":
            buttons.append(button("Pause", "voicemsg:pause", batch.id, about="voice messages"))
        else:
            buttons.append(button("Resume", "voicemsg:resume", batch.id, style="primary", about="voice messages"))
        left = "One who waits is" if waiting == 1 else f"{waiting} who wait are"
        ask = confirm("Stop?", f"{left} not called any more.", "Stop", "Go on", danger=True)
        buttons.append(button("Stop", "voicemsg:stop", batch.id, style="danger", about="voice messages", ask=ask))
    if done and batch.state != "dropped":
        buttons.append(button("Results as CSV", "voicemsg:csv", batch.id, about="voice messages"))
    return buttons
