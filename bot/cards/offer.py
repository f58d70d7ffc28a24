"""A call list as a rep sees it: the contact whose turn it is, how the call ended, what comes next. Pure.

Buttons `offer:call`, `skip`, `next` and the menu `offer:later` carry a `Press`; `offer:pause`, `go_on` and `auto_stop`
the list's id, and the menu `offer:auto` besides the seconds between calls.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING

import msgspec

from bot.call import Call
from bot.cards import (
    NOTE_LIMIT,
    Block,
    Message,
    actions,
    at_clock,
    button,
    clock,
    context,
    header,
    message,
    plain,
    plain_text,
    rep_words,
    section,
    sentence,
    upper_first,
    who,
    who_plain,
)
from bot.cards.call import wrap_button
from bot.cards.forms import form
from bot.cards.incoming import earlier
from bot.cards.modals import later_inputs
from bot.cards.outcomes import NEVER_DIALLED, ending
from bot.cards.times import AFTERNOON, MOMENTS, how_often, is_morning
from bot.errors import BadInput
from bot.events import Outcome, State
from bot.window import Window, is_open, local_time

if TYPE_CHECKING:
    from bot.store.calling_lists import CallingList
    from bot.store.contacts import Contact
    from bot.store.offers import Offer, Rep

HISTORY = 3
"""Earlier calls with a contact that the card names."""
FACTS, FACT_LENGTH = 10, 80
"""Other columns of the table that it shows, and characters of each."""
RESTS: Mapping[int, str] = MappingProxyType({5: "5 seconds", 15: "15 seconds", 30: "30 seconds", 60: "a minute"})
"""Seconds that may lie between the calls of auto-dial."""
CHOOSE = "choose"
"""The entry of the menu that opens a form."""


class Press(msgspec.Struct, frozen=True):
    """What a button of an offer carries: which list, which of its rows, how often that was put before somebody.

    `confirmed`: whoever pressed it was asked before, and says yes.
    """

    list: str
    line: int
    offer: int
    confirmed: bool = False

    @property
    def value(self) -> str:
        return f"{self.list} {self.line} {self.offer}{' yes' if self.confirmed else ''}"


def press(value: str) -> tuple[Press, str]:
    """What was pressed, and the choice of a menu, "" = a button.

    Raises:
        BadInput: no button of ours carries that.
    """
    carried, _, choice = value.partition("|")
    match carried.split():
        case [name, line, number, *yes] if line.isdecimal() and number.isdecimal() and yes in ([], ["yes"]):
            return Press(name, int(line), int(number), bool(yes)), choice
    raise BadInput("That button is not one of a call list any more. Nothing was done; type `/call next`.")


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is known of the contact before a rep.

    Attributes:
        row: the contact.  call: its latest from the list, None = none, or it is forgotten.
        contact: who that is by the contact book, or by the table.  title: of the phone service of `call`.
        history: (earlier call, whether its note is hidden), the latest first.  zones: IANA names of where they may be.
        tries_left: how often they are called again where `call` did not reach them.
    """

    row: "Offer"
    call: Call | None
    contact: "Contact | None"
    title: str
    history: Sequence[tuple[Call, bool]]
    zones: Sequence[str]
    tries_left: int = 0

    @property
    def facts(self) -> Mapping[str, str]:
        return msgspec.json.decode(self.row.variables, type=dict[str, str])


def offer_card(
    found: "CallingList",
    rep: "Rep",
    known: Known | None,
    left: tuple[int, int, float],
    done: tuple[int, int],
    window: Window,
    now: float,
    zone: str,
) -> Message:
    """The card of one rep. `known`: None = they have nobody before them.

    `left`: (how many wait, how many of them for a time, when the first of those is).  `done`: what the rep did so far,
    (contacts, of them talked to).  `window`: calling hours.
    """
    blocks = [header(f"Call list {found.name}", "offer:title")]
    under_way = found.state in ("running", "paused")
    if known is None or not under_way:
        blocks.append(section(_nobody(found, rep, left, now, zone), "offer:state"))
        if under_way:
            blocks += _going(found, rep, None, zone)
            if found.state == "running":
                # A menu keeps showing the last choice unless its block is a new one.
                blocks.append(actions([_pause(found, rep), _auto(found, rep)], f"offer:pausing:{rep.shown}"))
    else:
        blocks += _offered(known, window, now, zone) if known.row.state == "offered" else _calling(known, zone)
        blocks += _going(found, rep, known, zone)
        switches = [_pause(found, rep), _auto(found, rep)] if found.state == "running" else []
        if known.row.state == "offered" or known.call is None or not _running(known.call):
            number = f"{known.row.offer}:{int(rep.auto)}"
            blocks.append(actions([*_choices(known, now, zone), *switches], f"offer:do:{number}"))
        elif rep.auto and switches:
            blocks.append(actions([_auto(found, rep)], "offer:going"))
        if found.state == "paused":
            blocks.append(context([f"{rep_words(found.by)}'s list is paused. {sentence(found.words)}"], "offer:paused"))
    waiting, later, _ = left
    more = "" if not later else " until later" if later == waiting else f", {later:,} of them until later"
    counts = f"{waiting:,} more {'waits' if waiting == 1 else 'wait'}{more}"
    mine = f"you have done {done[0]:,}, and talked to {done[1]:,} of them"
    blocks.append(context([counts if under_way else "", mine, f"as of {clock(now, zone)}"], "offer:left"))
    return message(blocks)


def _nobody(found: "CallingList", rep: "Rep", left: tuple[int, int, float], now: float, zone: str) -> str:
    waiting, _, first = left
    match found.state:
        case "done":
            return "*Everybody of this list is done. Thank you!*"
        case "paused":
            return f"*Paused.* {sentence(found.words)} You get the next contact when it goes on."
        case "running" if rep.paused:
            return (
                "*You have paused this list.* Whoever was before you is given to others; press *Go on* to call again."
            )
        case "running" if first:
            return (
                "*Nobody is to be called right now.* The next contact comes "
                f"{at_clock(first, now, zone)}, or when one becomes free."
            )
        case "running" if waiting:
            return "*One moment…* The next contact is being looked for."
        case "running":
            return "*Nobody is left for you.* Colleagues have the last contacts before them."
        case _:
            return f"*This list was stopped.* {sentence(found.words)} Nobody more of it is called."


def _party(known: Known) -> str:
    return who(known.row.number, known.row.name, known.contact)


def _offered(known: Known, window: Window, now: float, zone: str) -> list[Block]:
    row = known.row
    blocks = [section(f"*Next is {_party(known)}*", "offer:state")]
    company = known.contact.company if known.contact else ""
    facts = [
        f"{plain(name.replace('_', ' '), 40)}: {plain(value, FACT_LENGTH)}"
        for name, value in known.facts.items()
        if value.strip() and value != company
    ]
    if facts:
        more = f"and {len(facts) - FACTS:,} more" if len(facts) > FACTS else ""
        blocks.append(context([*facts[:FACTS], more], "offer:facts"))
    at = datetime.fromtimestamp(now, UTC)
    if known.zones:
        inside = "within" if is_open(window, known.zones, at) else "outside"
        there = f"{local_time(window, known.zones, at)}, {inside} calling hours"
    else:
        there = "It is not known what time it is there"
    blocks.append(context([f"{there} ({window.words})"], "offer:hours"))
    lines = [upper_first(earlier(call, now, zone, masked)) for call, masked in known.history[:HISTORY]]
    blocks.append(section("\n".join(lines) or "No earlier calls with this number.", "offer:history"))
    if why := sentence(row.why):
        blocks.append(context([why], "offer:why"))
    return blocks


def _running(call: Call) -> bool:
    return call.state not in (State.ENDED, State.UNCLEAR)


def _calling(known: Known, zone: str) -> list[Block]:
    party, call = _party(known), known.call
    if call is None:
        return [section(f"*{party} was called*\nThat call is not on record any more.", "offer:state")]
    if call.state is State.UNCLEAR:
        words = (
            f"*Unclear: the call to {party}*\n{sentence(call.words)} It is not dialled again. "
            "Look at your phone, say on its card which it was, then go on."
        )
        return [section(words, "offer:state")]
    if _running(call):
        doing = "Talking to" if call.state is State.TALKING else "Calling"
        return [section(f"*{doing} {party}*\nIts card below has everything you can do.", "offer:state")]
    headline, next_step = ending(call, known.title, own=True)
    if call.outcome is Outcome.ANSWERED:
        next_step = next_step or ("" if call.disposition else "Say how it went, and the next contact comes.")
        words = f"*{headline} with {party}*\n{next_step}"
    else:
        words = f"*{headline}: {party}*\n{next_step}"
    blocks = [section(words.strip(), "offer:state")]
    told = [
        f"ended {clock(call.ended_at, zone)}" if call.ended_at else "",
        f"How it went: {plain(call.disposition)}" if call.disposition else "",
        f"Note: {plain(call.note, NOTE_LIMIT)}" if call.note else "",
        f"Next contact puts them off, to be called {how_often(known.tries_left)} more" if known.tries_left > 0 else "",
    ]
    if any(told):
        blocks.append(context(told, "offer:told"))
    return blocks


def _choices(known: Known, now: float, zone: str) -> list[Block]:
    """What can be done about the contact; nothing that dials where somebody's phone has rung."""
    row, call = known.row, known.call
    value = Press(row.list, row.line, row.offer).value
    party = who_plain(row.number, row.name, known.contact)
    onward = button("Next contact", "offer:next", value, style="primary", about=party)
    if row.state == "offered" or (call is not None and call.outcome in NEVER_DIALLED):
        return [
            button("Call", "offer:call", value, style="primary", about=party),
            button("Skip", "offer:skip", value, about=party),
            _later(value, now, zone),
        ]
    if call is None or call.state is State.UNCLEAR:
        return [onward]
    if call.outcome in (Outcome.ANSWERED, Outcome.PENDING):
        return [wrap_button(call, party), onward]
    return [onward, _later(value, now, zone), wrap_button(call, party)]


def _later(value: str, now: float, zone: str) -> Block:
    options = {"1h": MOMENTS["1h"]}
    if is_morning(now, zone):
        options["afternoon"] = f"This afternoon at {AFTERNOON:%H:%M}"
    options |= {"tomorrow": MOMENTS["tomorrow"], CHOOSE: "Another time…"}
    return {
        "type": "static_select",
        "action_id": "offer:later",
        "placeholder": plain_text("Later…", 150),
        "options": [{"text": plain_text(words, 75), "value": f"{value}|{choice}"} for choice, words in options.items()],
    }


def _going(found: "CallingList", rep: "Rep", known: Known | None, zone: str) -> list[Block]:
    """What auto-dial does next, or why it does not."""
    if rep.words:
        return [section(f"*Auto-dial is off.* {sentence(rep.words)}", "offer:off")]
    if not rep.auto or found.state != "running":
        return []
    row, call = (known.row, known.call) if known else (None, None)
    if row is None:
        words = "It goes on when somebody is to be called."
    elif row.state == "offered":
        at = clock(max(row.changed_at, rep.auto) + rep.rest, zone, seconds=True)
        words = f"Your phone rings at {at}, or when you are on no other call. Not this one? Press Skip or Later."
    elif call is None or call.state is State.UNCLEAR or call.outcome in NEVER_DIALLED:
        return []  # about to be switched off
    elif _running(call) or call.outcome is Outcome.PENDING:
        words = "It goes on when this call has ended."
    elif call.conversation:
        words = "It goes on when you have said how it went."
    else:
        when = f"at {clock(rep.auto + rep.rest, zone, seconds=True)}" if rep.auto > row.changed_at else "soon"
        words = f"It goes on {when}. To try this contact again, press Later."
    return [context([f"*Auto-dial is on.* {words}"], "offer:on")]


def _auto(found: "CallingList", rep: "Rep") -> Block:
    if rep.auto:
        return button("Stop auto-dial", "offer:auto_stop", found.id, style="danger", about=found.name)
    return {
        "type": "static_select",
        "action_id": "offer:auto",
        "placeholder": plain_text("Auto-dial…", 150),
        "options": [
            {"text": plain_text(f"Call on after {words}", 75), "value": f"{found.id}|{seconds}"}
            for seconds, words in RESTS.items()
        ],
    }


def _pause(found: "CallingList", rep: "Rep") -> Block:
    if rep.paused:
        return button("Go on", "offer:go_on", found.id, style="primary", about=found.name)
    return button("Pause list", "offer:pause", found.id, about=found.name)


def later_form(row: "Offer", value: str) -> Block:
    """When to come back to a contact; callback_id `offer:put_off`, private_metadata a `Press`.

    Blocks: when, day, time.
    """
    blocks = [section(f"{who(row.number, row.name)} comes back to you then.", "about"), *later_inputs()]
    return form("Call later", blocks, "offer:put_off", value, submit="Put off")


def question_message(question: str, yes: Press, party: str) -> Message:
    """Asks before a contact is called outside of their hours; button `offer:yes`."""
    answer = button("Call now", "offer:yes", yes.value, style="primary", about=party)
    return message([section(sentence(question, 2900), "offer:question"), actions([answer], "offer:answer")])
