"""Forms and lists of voice messages, and their results as a file. Pure."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import starmap
from typing import TYPE_CHECKING

from bot.call import Call
from bot.cards import (
    VALUE_LIMIT,
    Block,
    Message,
    actions,
    button,
    confirm,
    context,
    day_clock,
    header,
    message,
    paragraphs,
    plain,
    rep_words,
    safe,
    section,
    who,
    who_plain,
)
from bot.cards.forms import CLOCK_LENGTH, any_input, boxes_input, form, select_input, text_input, usable
from bot.cards.said import GROUPS, Said, how_words, result_of, what_words
from bot.numbers import pretty
from bot.orders import Template
from bot.tables import csv_file, phone

if TYPE_CHECKING:
    from bot.store.messages import Batch, Recipient

SHOWN = 15
"""Rows of a list that has buttons: they fit into Slack's 50 blocks."""


def message_modal(
    *,
    stored: Sequence[tuple[str, str]],
    named: bool,
    options: frozenset[str],
    lines: Sequence[tuple[str, str]],
    accounts: Sequence[tuple[str, str]],
    private_metadata: str,
) -> Block:
    """Send a voice message; callback_id `voicemsg:order`.

    Blocks: to, stored, template, text, language, voice, listen, limits, line, account, day, time.

    Attributes:
        stored: (`account/id`, name) of stored messages that can be listed.  named: others are named by hand.
        options: fields of `MessageOrder` that any service can express; others are not shown.
        lines: (E.164, label).  accounts: (configured name, title); asked for only when there are several.
    """
    blocks = [
        text_input(
            "to",
            "To whom",
            {},
            multiline=True,
            placeholder="+1 202 555 0100\nDana Levi\n+1 202 555 0101; Noa Green",
            hint="Numbers, contacts or colleagues, a line each; or paste a table (CSV) with a number in each line.",
            length=3000,
        )
    ]
    blocks += _what(stored, named=named, options=options)
    blocks += _how(lines, accounts, options)
    blocks.append(
        any_input("day", "On which day", {"type": "datepicker"}, optional=True, hint="Empty: as soon as may be.")
    )
    hint = "Your local time, like 14:30; for each recipient never outside of their own calling hours."
    blocks.append(
        text_input("time", "At what time", {}, optional=True, placeholder="09:00", hint=hint, length=CLOCK_LENGTH)
    )
    return form("Send a voice message", blocks, "voicemsg:order", private_metadata, submit="Send")


def _what(stored: Sequence[tuple[str, str]], *, named: bool, options: frozenset[str]) -> list[Block]:
    """What is played."""
    blocks = []
    if stored := usable(stored[:5000]):
        blocks.append(select_input("stored", "A stored message", stored, {}, optional=True))
    if named and "template" in options:
        label = "Or another stored message" if stored else "A stored message"
        hint = "By its name or number at the phone service, which does not list them."
        blocks.append(text_input("template", label, {}, optional=True, hint=hint, length=100))
    if "text" in options:
        label = "Or a text to be spoken" if stored or named else "A text to be spoken"
        blocks.append(text_input("text", label, {}, optional=True, multiline=True, length=1000))
    if "language" in options:
        blocks.append(text_input("language", "Language of the text", {}, optional=True, placeholder="en-US", length=20))
    if "voice" in options:
        voices = [("female", "Female"), ("male", "Male")]
        blocks.append(select_input("voice", "Voice", voices, {}, optional=True))
    return blocks


def _how(lines: Sequence[tuple[str, str]], accounts: Sequence[tuple[str, str]], options: frozenset[str]) -> list[Block]:
    """What is heard of it, for how long, from which number and by which service."""
    blocks = []
    listen = [
        (name, words)
        for name, option, words in (
            ("keys", "collect_digits", "Tell which keys they press"),
            ("words", "recognise", "Tell what they answer in words"),
            ("record", "record", "Record it, once that was announced"),
        )
        if option in options
    ]
    if listen:
        blocks.append(boxes_input("listen", "Listen", listen, {}))
    limits = [like for option, like in (("ring_seconds", "ring 20s"), ("max_seconds", "max 1m")) if option in options]
    if limits:
        like = " ".join(limits)
        hint = "How long it rings, and lasts. Empty: as usual." if len(limits) > 1 else "Empty: as usual."
        blocks.append(
            text_input("limits", "For how long at most", {}, optional=True, placeholder=like, hint=hint, length=40)
        )
    if lines and "caller_id" in options:
        choices = [(number, f"{label} ({pretty(number)})" if label else pretty(number)) for number, label in lines]
        blocks.append(select_input("line", "Number they see", choices, {}, optional=True, empty="Your default line"))
    if len(accounts) > 1:
        blocks.append(select_input("account", "Phone service", accounts, {}, optional=True, empty="Whichever can"))
    return blocks


def template_modal(accounts: Sequence[tuple[str, str]], private_metadata: str) -> Block:
    """Store a voice message; callback_id `template:store`. Blocks: account, name, media, digit, number.

    `accounts`: (configured name, title) of those that can, at least one.
    """
    blocks: list[Block] = []
    if len(accounts) > 1:
        blocks.append(select_input("account", "Phone service", accounts, {"account": accounts[0][0]}))
    digits = [(str(digit), str(digit)) for digit in (1, 2, 3, 4, 5, 6, 7, 8, 9, 0)]
    blocks += [
        text_input("name", "Name", {}, placeholder="Order ready", length=100),
        text_input(
            "media",
            "Sound",
            {},
            placeholder="1967",
            hint="Its number or name at the phone service, where it is uploaded.",
            length=100,
        ),
        select_input("digit", "Key that puts through to somebody", digits, {}, optional=True, empty="None"),
        text_input(
            "number",
            "To whom that key puts through",
            {},
            optional=True,
            placeholder="+1 202 555 0100",
            hint="Only together with a key.",
            length=40,
        ),
    ]
    return form("Store a message", blocks, "template:store", private_metadata, submit="Store")


def templates_message(
    accounts: Sequence[tuple[str, str, Sequence[Template] | str]], name: str, *, many: bool
) -> Message:
    """All stored messages. `accounts`: (name, title, its messages, or a sentence why there are none to show).

    `name`: of the command.  `many`: there are several accounts, so each is named.
    """
    lines: list[str] = []
    for account, title, stored in accounts:
        if many:
            lines.append(f"*{plain(title)}* ({plain(account)})")
        if isinstance(stored, str):
            lines.append(safe(stored))
            continue
        lines += [f"• {plain(template.name)}: id {plain(template.id)}{_redirect(template)}" for template in stored]
        if not stored:
            lines.append("No message is stored yet.")
    how = f'Send one with `{name} +1 202 555 0100 template "NAME"`, a text with `{name} +1 202 555 0100 "text"`.'
    lines.append(how if accounts else "None of your phone services can send voice messages.")
    return message([header("Stored voice messages", "voicemsg:title"), *paragraphs(lines, "voicemsg:templates")])


def template_message(title: str, template: Template, now: float, zone: str) -> Message:
    """One stored message."""
    facts = [
        f"*{plain(template.name)}*",
        f"id {plain(template.id)}",
        f"sound {plain(template.media)}" if template.media else "",
        _redirect(template).removeprefix("; "),
        f"stored {day_clock(template.created_at, now, zone)}" if template.created_at else "",
        f"at {plain(title)}",
    ]
    return message([section(" · ".join(fact for fact in facts if fact), "voicemsg:template")])


def delete_message(account: str, title: str, template: Template) -> Message:
    """The question before a stored message is deleted; the button carries `account/id`."""
    value = f"{account}/{template.id}"
    if len(value) > VALUE_LIMIT:
        words = f"The id of “{plain(template.name)}” is too long for a button. Delete it at {plain(title)} itself."
        return message([section(words, "voicemsg:question")])
    ask = confirm("Delete it?", f"{template.name} is deleted at {title} for everybody.", "Delete", "Keep", danger=True)
    press = button("Delete", "template:delete", value, style="danger", about=template.name, ask=ask)
    words = f"Delete the stored message “{plain(template.name)}” at {plain(title)}? Whoever uses it cannot any more."
    return message([section(words, "voicemsg:question"), actions([press], "voicemsg:answer")])


def scheduled_message(
    rows: "Sequence[tuple[Batch, Said, int, Recipient]]", now: float, zone: str, *, everybody: bool
) -> Message:
    """Batches that wait: (batch, what is said, how many wait, the first of them); `everybody`: whose it is, too."""
    blocks: list[Block] = [header("Voice messages that wait", "voicemsg:title")]
    for number, (batch, said, count, first) in enumerate(rows[:SHOWN], 1):
        until = "now" if first.due_at <= now else f"until {day_clock(first.due_at, now, zone)}"
        paused = "paused" if batch.state == "paused" else ""
        party = who(first.number, first.name)
        told = " · ".join(
            part
            for part in (
                f"{party}, waits {until}" if count == 1 else f"{count} recipients wait, the first {until}: {party}",
                paused,
                f"plays {what_words(said)}",
                *how_words(said),
                f"by {rep_words(batch.by)}" if everybody else "",
            )
            if part
        )
        label = who_plain(first.number, first.name) if count == 1 else f"{count} recipients"
        means = f"{label} is not called." if count == 1 else f"Nobody of the {count} is called."
        ask = confirm("Cancel it?", means, "Cancel it", "Keep it", danger=True)
        press = button("Cancel", "voicemsg:stop", batch.id, about=f"{number}. {label}", ask=ask)
        blocks.append(section(f"{number}. {told}", f"voicemsg:batch:{number}", press))
    if not rows:
        blocks.append(section("No voice message waits to be sent.", "voicemsg:none"))
    if len(rows) > SHOWN:
        blocks.append(context([f"And {len(rows) - SHOWN} more."], "voicemsg:more"))
    return message(blocks)


def _redirect(template: Template) -> str:
    if not template.redirect_number:
        return ""
    return f"; key {template.redirect_digit} puts through to {plain(pretty(template.redirect_number))}"


def results_csv(rows: "Sequence[tuple[Recipient, Call | None]]") -> bytes:
    """What became of each recipient, UTF-8 with a mark for spreadsheets. Times are UTC, ISO 8601."""

    def cells(recipient: "Recipient", call: Call | None) -> list[str | float]:
        result = result_of(recipient, call)
        return [
            phone(recipient.number),
            recipient.name,
            GROUPS[result.group],
            result.words,
            result.keys,
            result.phrases,
            datetime.fromtimestamp(call.started_at, UTC).isoformat(timespec="seconds") if call else "",
            call.talk_seconds if call else "",
            recipient.call_id,
        ]

    what = ("number", "name", "result", "details", "keys pressed", "words spoken")
    return csv_file([*what, "called at (UTC)", "seconds", "call"], starmap(cells, rows))
