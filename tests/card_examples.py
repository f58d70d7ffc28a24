"""Calls, missed callers and people to draw, and the hostile words that outsiders could send. Fictional throughout."""

from dataclasses import replace
from typing import Any

import msgspec
from hypothesis import strategies as st

from bot.call import Call
from bot.cards import Block, Message, escape
from bot.events import Outcome, State
from bot.store.contacts import Contact
from bot.store.missed import Missed
from bot.store.people import Person
from tests.block_rules import check_message

ZONE = "Europe/Madrid"
NOW = 1_772_632_800.0
"""2026-03-04 14:00 UTC, 15:00 in Madrid."""
REP = "U0REP00001"
NUMBER = "+12025550100"
PRETTY = "+1 202-555-0100"
LINE = "+12025550199"
DANA = Contact(NUMBER, "Dana Levi", "Acme")

HOSTILE = (
    "<!channel>",
    "<https://evil.example|your bank>",
    "*_~`bold`~_*",
    "a\n\n> quoted\n*b*",
    "\u202egnihsihp",
    "& &amp; &lt;!here&gt;",
    "\ud800\x00\x07",
    "דנה לוי",
    "🧨" * 300,
    "<" * 500,
    "x" * 5000,
    " " * 40,
)

words = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=12))
"""Anything an outsider, a contact book or a rep may have written."""
moments = st.floats(min_value=0, max_value=4e9)
seconds = st.integers(min_value=0, max_value=10**7)
ids = st.text("0123456789abcdef", min_size=1, max_size=32)
users = st.one_of(st.just(""), st.just(REP), words)
numbers = st.one_of(st.just(""), st.just(NUMBER), st.just("+447700900123"), words)

calls = st.builds(
    Call,
    id=ids,
    account=st.just("voicenter"),
    direction=st.sampled_from(["in", "out"]),
    state=st.sampled_from(list(State)),
    outcome=st.one_of(st.none(), st.sampled_from(list(Outcome))),
    words=words,
    rep=users,
    number=numbers,
    line=numbers,
    name=words,
    queue=words,
    extension=words,
    person=words,
    note=words,
    disposition=words,
    started_at=moments,
    answered_at=moments,
    ended_at=moments,
    ring_seconds=seconds,
    talk_seconds=seconds,
    wait_seconds=seconds,
    price=st.one_of(st.none(), st.floats(min_value=0, max_value=1e6)),
    currency=words,
    recording=st.sampled_from(["", "https://recordings.example/secret.mp3"]),
    hang_up_by=users,
    hang_up_at=moments,
    settled_by=users,
    dial_digits=st.sampled_from(["", "..123", "..1....23#", "..*5"]),
    confirm_key=st.sampled_from(["", "any", "5", "*", "#"]),
    conference=st.sampled_from(["", "", "4711"]),
)
contacts = st.one_of(st.none(), st.builds(Contact, number=st.just(NUMBER), name=words, company=words))
missed_callers = st.builds(
    Missed,
    id=ids,
    account=st.just("voicenter"),
    number=numbers,
    place=st.just("C0SALES"),
    line=numbers,
    name=words,
    opened_at=moments,
    last_at=moments,
    calls=st.integers(1, 10_000),
    claimed_by=users,
    claimed_at=moments,
    snoozed_until=moments,
    snoozed_by=users,
    closed_at=st.one_of(st.just(0.0), moments),
    closed_by=users,
    closed_how=st.sampled_from(["", "called back", "reached us", "by hand"]),
    closed_call=ids,
    escalate_at=moments,
    escalations=st.integers(0, 5),
)
persons = st.builds(
    Person,
    user=st.just(REP),
    phone_kind=st.sampled_from(["", "number", "extension", "login", "trunk"]),
    phone=words,
    account=words,
    extension=words,
    line=numbers,
)

_CALL = Call(id="c1", account="voicenter", rep=REP, number=NUMBER, line=LINE, started_at=NOW - 130, state=State.RINGING)
_MISSED = Missed(
    id="m1", account="voicenter", number=NUMBER, place="C0SALES", line=LINE, name="", opened_at=NOW - 22 * 60,
    last_at=NOW - 4 * 60, calls=3, claimed_by="", claimed_at=0, snoozed_until=0, snoozed_by="", closed_at=0,
    closed_by="", closed_how="", closed_call="", escalate_at=0, escalations=0,
)  # fmt: skip


def call(**changes: Any) -> Call:
    """An outgoing call of `REP` to `NUMBER` two minutes ago."""
    return msgspec.structs.replace(_CALL, **changes)


def ended(outcome: Outcome, **changes: Any) -> Call:
    """The same, over."""
    return call(state=State.ENDED, outcome=outcome, ended_at=NOW - 10, **changes)


def missed(**changes: Any) -> Missed:
    """Somebody who tried three times and waits for 22 minutes."""
    return replace(_MISSED, **changes)


def checked(message: Message | None, *, own_words: bool = False) -> Message:
    """The message, after Slack's rules, and whether somebody who only hears its text is told as much as the others.

    `own_words`: its text was given, not read off the blocks; only what can be pressed must be in it.
    """
    assert message is not None
    check_message(message.text, list(message.blocks))
    if not message.text.endswith("…"):  # else it had to be cut
        told = message.text.replace("*", "")
        blocks = [block for block in message.blocks if not own_words or block["type"] == "actions"]
        for shown in map(_words_of, blocks):
            assert not (unsaid := [words for words in shown if words not in told]), f"the text lacks {unsaid}"
    return message


def _words_of(block: Block) -> list[str]:
    """The lines and labels of a block, without bold."""
    elements = [block["accessory"]] if "accessory" in block else []
    elements += block["elements"] if block["type"] in ("actions", "context") else []
    texts = [block["text"]["text"]] if "text" in block else [block["alt_text"]] if "alt_text" in block else []
    for element in elements:
        said = element.get("placeholder") or element["text"]
        texts.append((said if isinstance(said, str) else said["text"]).rstrip("…"))
    lines = [line.replace("*", "").strip() for text in texts for line in text.splitlines()]
    return [escape(line) if block["type"] in ("header", "image") else line for line in lines]


def action_ids(blocks: Any) -> list[str]:
    """What can be pressed or chosen, in order."""
    found = []
    for block in blocks:
        elements = [block["accessory"]] if "accessory" in block else []
        elements += block["elements"] if block["type"] == "actions" else []
        found += [element["action_id"] for element in elements]
    return found
