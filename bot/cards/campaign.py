"""Campaigns that run at a phone service: the list, one of them, who waits, who takes the calls, what came of it. Pure.

A campaign is drawn from `Shown`; its buttons `campaign:<what>` carry `Shown.value`. Reps see no button that changes
anything, and nobody one that the service cannot do.
"""

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Literal

import msgspec

from bot.cards import (
    VALUE_LIMIT,
    Block,
    Message,
    actions,
    button,
    clock,
    confirm,
    context,
    day_clock,
    duration,
    header,
    message,
    paragraphs,
    plain,
    section,
    sentence,
    who,
)
from bot.cards.outcomes import SHORT
from bot.cards.times import counted
from bot.events import Outcome
from bot.numbers import pretty
from bot.orders import Campaign, CampaignCall, CampaignState, Member

LISTED = 20
"""Campaigns of one list: with their buttons they fit into Slack's 50 blocks."""
PAGE = 15
"""Waiting calls of one page."""
_MEMBERS = 20

STATES: Mapping[CampaignState, str] = {
    "running": "Running",
    "stopped": "Stopped",
    "deleted": "Deleted",
    "unknown": "In a state that the service does not explain",
}
QUESTIONS: Mapping[str, tuple[str, str, str]] = {
    "start": ("Start {name}?", "{pending}It dials those that wait, and those that are added.", "Start"),
    "stop": ("Stop {name}?", "It dials nobody any more; calls that run go on, and those that wait are kept.", "Stop"),
    "clear": ("Clear {name}?", "{pending}All that wait are removed for good; none of them is dialled.", "Clear"),
}
"""What needs a yes -> the question, what it means, the button."""


class Shown(msgspec.Struct, frozen=True):
    """A campaign to draw.

    Attributes:
        value: what its buttons carry.  service: where it runs, "" = there is only one.
        can: operations of the service.  manager: the reader may change it.
    """

    campaign: Campaign
    value: str
    service: str
    can: frozenset[str]
    manager: bool

    @property
    def may(self) -> frozenset[str]:
        """Operations that the reader may ask for."""
        return self.can if self.manager else self.can & {"campaign", "campaign_calls", "campaign_members"}


def list_message(shown: Sequence[Shown], wrong: Sequence[str], now: float, zone: str, *, command: str) -> Message:
    """The answer to `/campaign`. `wrong`: sentences about services that could not be asked."""
    blocks = [header("Campaigns", "campaign:title")]
    for number, one in enumerate(shown[:LISTED], 1):
        blocks.append(section(f"*{plain(one.campaign.name)}*\n{_state(one)}", f"campaign:{one.value}"))
        buttons = [*_switch(one, f"{number}. {one.campaign.name}"), *_looks(one, f"{number}. {one.campaign.name}")]
        blocks.append(actions(buttons, f"campaign:do:{one.value}"))
    if not shown and not wrong:
        blocks.append(section("There are no campaigns yet. Create one on the pages of your phone service.", "none"))
    if len(shown) > LISTED:
        blocks.append(context([f"And {len(shown) - LISTED} more: `{command} show NAME`."], "campaign:more"))
    blocks += paragraphs(map(sentence, wrong), "campaign:wrong", 3)
    blocks.append(context([f"As of {clock(now, zone)}; `{command} help` shows all you can do."], "campaign:as_of"))
    return message(blocks)


def one_message(one: Shown, now: float, zone: str) -> Message:
    """The answer to `/campaign show`."""
    campaign, about = one.campaign, one.campaign.name
    blocks = [header(campaign.name or "Campaign", "campaign:title"), section(_state(one), "campaign:state")]
    least, most = campaign.min_priority, campaign.max_priority
    if most and least is not None:
        words = f"Priority {most}." if least == most else f"Priorities from {least} to {most}."
        blocks.append(section(words, "campaign:priorities"))
    blocks.append(actions([*_switch(one, about), *_looks(one, about)], "campaign:do"))
    changes = [
        button(label, f"campaign:{what}", one.value, about=about)
        for what, label, operations in (
            ("add", "Add a call…", {"add_campaign_call", "add_campaign_calls"}),
            ("upload", "Add many…", {"add_campaign_call", "add_campaign_calls"}),
            ("update", "Change a call…", {"update_campaign_call"}),
            ("remove", "Remove a call…", {"remove_campaign_call"}),
            ("strategy", "Strategy…", {"set_campaign_strategy"}),
            ("ivr", "IVR…", {"configure_ivr_campaign"}),
        )
        if one.may & operations
    ]
    if "clear_campaign" in one.may:
        changes.append(_asking(one, "clear", about))
    if changes:
        blocks.append(actions(changes, "campaign:change"))
    blocks.append(context([f"As of {clock(now, zone)}."], "campaign:as_of"))
    return message(blocks)


def question_message(one: Shown, what: str) -> Message:
    """Asks before something is done. `what`: of `QUESTIONS`."""
    ask, means, yes = _question(one, what)
    element = button(yes, f"campaign:{what}", _counted(one), style=_style(what), about=one.campaign.name)
    return message([section(f"*{plain(ask, 200)}* {means}", "campaign:ask"), actions([element], "campaign:answer")])


def pending_message(one: Shown, calls: Sequence[CampaignCall], page: int, now: float, zone: str) -> Message:
    """Calls that wait, a page of them; `page` from 0. Buttons `campaign:pending` carry the value and the page."""
    pages = max(1, ceil(len(calls) / PAGE))
    page = min(max(page, 0), pages - 1)
    name = one.campaign.name
    blocks = [header(f"Waiting in {name}", "campaign:title")]
    lines = [
        f"{number}. {_call(call, now, zone)}"
        for number, call in enumerate(calls[page * PAGE : (page + 1) * PAGE], page * PAGE + 1)
    ]
    blocks += paragraphs(lines or ["No call waits."], "campaign:calls")
    turns = [
        button(label, f"campaign:pending:{label.lower()}", f"{one.value} {to}", about=f"page {to + 1} of {name}")
        for label, to in (("Earlier", page - 1), ("Later", page + 1))
        if 0 <= to < pages
    ]
    turns.append(button("Refresh", "campaign:pending:refresh", f"{one.value} {page}", about=name))
    blocks.append(actions(turns, "campaign:pages"))
    total = f"{len(calls):,} wait{'s' if len(calls) == 1 else ''}, page {page + 1} of {pages}."
    blocks.append(context([f"{total} As of {clock(now, zone)}."], "campaign:as_of"))
    return message(blocks)


def members_message(one: Shown, members: Sequence[Member], users: Mapping[str, str]) -> Message:
    """Who takes the calls. `users`: extension -> Slack user id of those we know.

    Buttons `campaign:member_add` and `campaign:member_remove`, which carries the extension after the value.
    """
    name = one.campaign.name
    blocks = [header(f"Members of {name}", "campaign:title")]
    for number, member in enumerate(members[:_MEMBERS], 1):
        user = users.get(member.code)
        known = " · ".join(part for part in (plain(member.name), f"<@{user}>" if user else "") if part)
        remove: Block | None = None
        value = f"{one.value} {member.code}"
        if "remove_campaign_member" in one.may and len(value) <= VALUE_LIMIT:
            label = member.name or member.code
            ask = confirm(f"Remove {label}?", f"They get no more calls of {name}.", "Remove", "Keep", danger=True)
            remove = button("Remove", "campaign:member_remove", value, about=f"{number}. {label}", ask=ask)
        words = f"{known}, extension {plain(member.code)}" if known else f"Extension {plain(member.code)}"
        blocks.append(section(words, f"campaign:member:{number}", remove))
    if not members:
        blocks.append(section("Nobody takes its calls yet.", "campaign:nobody"))
    if len(members) > _MEMBERS:
        blocks.append(context([f"And {len(members) - _MEMBERS} more."], "campaign:more"))
    if "add_campaign_member" in one.may:
        blocks.append(actions([button("Add a member…", "campaign:member_add", one.value, about=name)], "campaign:do"))
    return message(blocks)


def results_message(
    one: Shown,
    added: int,
    outcomes: Mapping[str, tuple[int, int]],
    now: float,
    zone: str,
    *,
    abandoned: tuple[int, int, int] = (0, 0, 0),
) -> Message:
    """What came of the calls that were added here. `outcomes`: `Outcome` or "" -> (numbers, seconds talked).

    `abandoned`: (calls that were picked up and met nobody, calls that were picked up, in so many days).
    """
    blocks = [header(f"Results of {one.campaign.name}", "campaign:title")]
    if not added:
        blocks.append(section("No call was added to it through Callboard, so there is nothing to count.", "none"))
    else:
        waiting = outcomes.get("", (0, 0))[0]
        were = "number was" if added == 1 else "numbers were"
        lines = [f"*{added:,}* {were} added through Callboard; *{added - waiting:,}* of them were called."]
        for outcome, (count, talked) in sorted(outcomes.items(), key=lambda item: -item[1][0]):
            if outcome:
                talk = f", {duration(talked)} of talk" if talked else ""
                lines.append(f"• {SHORT[Outcome(outcome)]}: *{count:,}*{talk}")
        if waiting:
            lines.append(f"• not called yet, as far as Callboard knows: *{waiting:,}*")
        nobody, picked_up, days = abandoned
        if picked_up:
            of = f"{picked_up:,} who picked up in {counted(days, 'day')}"
            lines.append(f"Met nobody who was free: *{nobody:,}* of {of}, {share(nobody, picked_up)}.")
        blocks += paragraphs(lines, "campaign:results")
    blocks.append(context([f"The latest call of each number counts. As of {clock(now, zone)}."], "campaign:as_of"))
    return message(blocks)


def share(part: int, whole: int) -> str:
    """ "2.4 %" """
    return f"{100 * part / whole:.1f} %"


def _state(one: Shown) -> str:
    pending = one.campaign.pending
    parts = [
        STATES[one.campaign.state],
        "" if pending is None else f"{counted(pending, 'call')} waiting",
        f"at {plain(one.service)}" if one.service else "",
    ]
    return " · ".join(part for part in parts if part)


def _switch(one: Shown, about: str) -> list[Block]:
    """*Start* or *Stop*, after asking; both where it is not known which."""
    whats = {"running": ("stop",), "unknown": ("start", "stop")}.get(one.campaign.state, ("start",))
    return [_asking(one, what, about) for what in whats if f"{what}_campaign" in one.may]


def _looks(one: Shown, about: str) -> list[Block]:
    found = [
        button(label, f"campaign:{what}", one.value, about=about)
        for what, label, operation in (
            ("show", "Details", "campaign"),
            ("pending", "Waiting calls", "campaign_calls"),
            ("members", "Members", "campaign_members"),
        )
        if operation in one.may
    ]
    return [*found, button("Results", "campaign:results", one.value, about=about)]


def _asking(one: Shown, what: str, about: str) -> Block:
    ask, means, yes = _question(one, what)
    question = confirm(ask, means, yes, "Cancel", danger=what != "start")
    return button(yes, f"campaign:{what}", _counted(one), style=_style(what), about=about, ask=question)


def _counted(one: Shown) -> str:
    """Value of a button that asks: whoever says yes has seen how many wait."""
    return one.value if one.campaign.pending is None else f"{one.value} {one.campaign.pending}"


def _question(one: Shown, what: str) -> tuple[str, str, str]:
    ask, means, yes = QUESTIONS[what]
    count = one.campaign.pending
    pending = "" if count is None else f"{counted(count, 'call')} {'waits' if count == 1 else 'wait'}. "
    return ask.format(name=one.campaign.name), means.format(pending=pending), yes


def _style(what: str) -> Literal["primary", "danger"]:
    return "primary" if what == "start" else "danger"


def _call(call: CampaignCall, now: float, zone: str) -> str:
    variables = ", ".join(f"{plain(name)}={plain(value)}" for name, value in call.variables.items())
    caller_id = plain(pretty(call.caller_id))
    parts = [
        who(call.number, call.name),
        f"not before {day_clock(call.at, now, zone)}" if call.at and call.at > now else "",
        f"shows {caller_id}" if caller_id else "",
        f"priority {call.priority}" if call.priority is not None else "",
        plain(call.status),
        variables,
    ]
    return " · ".join(part for part in parts if part)
