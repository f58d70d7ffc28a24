"""`/callboard`: status of everything, do-not-call list, policy; and what Slack tells about us."""

import html
import os
import shutil
import sqlite3
from importlib.metadata import version
from typing import Any

import msgspec
from slack_bolt.async_app import AsyncApp

from bot import approval, numbers, slack_text
from bot.board import SLACK_ITSELF, Board
from bot.cards import Message, at_clock, day_clock, plain, safe
from bot.cards.help import help_message, overview
from bot.cards.times import counted, how_often
from bot.errors import BadInput, NotAllowed, NotFound
from bot.operations import operations
from bot.outsiders import WORDS
from bot.permission import rules
from bot.places import Place
from bot.routing import quiet_hours
from bot.rules import Rules
from bot.store import campaigns, cards, channels, ledger, opt_outs, people
from handlers import Click, Desk, answer, audit, campaign_calls, consents, let_in, on_command, registries, tell

_LISTED = 100
"""Numbers of the do-not-call list that are shown at once."""


def register(app: AsyncApp, desk: Desk) -> None:
    """All listeners of this feature."""
    on_command(app, desk, "callboard", command)
    for feature in (audit, registries, consents):
        feature.register(app, desk)

    async def written_to(event: dict[str, Any]) -> None:
        file = event.get("subtype") == "file_share" and event.get("files") and not event.get("bot_id")
        person = event.get("user") and not (event.get("subtype") or event.get("bot_id"))
        if not file and (not person or event.get("channel_type", "im") != "im"):
            return
        if not await let_in(desk, event["user"]):
            await desk.board.tell(event["user"], WORDS, f"turned away:{event['ts']}")
            return
        if file:
            await campaign_calls.dropped(desk, event)
            return
        await desk.board.tell(event["user"], overview(desk.board.settings.commands), f"help:{event['ts']}")

    async def removed(event: dict[str, Any]) -> None:
        await desk.board.problem(
            "Slack app", f"Slack says: {event['type']}. Install the app again and set its new tokens."
        )

    app.event("message")(written_to)
    app.event("app_uninstalled")(removed)
    app.event("tokens_revoked")(removed)


async def command(desk: Desk, click: Click) -> None:
    """`/callboard …`."""
    word, _, rest = html.unescape(slack_text.without_links(click.text)).partition(" ")
    match word.casefold():
        case "" | "status":
            await tell(desk, click, await status(desk.board, click.user))
        case "help":
            await answer(desk, click, help_message("callboard", desk.board.settings.commands))
        case "services" | "service":
            await tell(desk, click, services(desk.board))
        case "setup":
            await tell(desk, click, await _setup(desk.board, click.user))
        case "policy":
            await tell(desk, click, policy_words(desk.board))
        case "hooks":
            _check(desk, click, "admin", "see the webhook addresses")
            unseen = (
                "The webhook addresses could not be shown, and they hold a secret that is not kept here. Try again."
            )
            shown = hooks(desk.board, await desk.board.read(desk.board.zone_of, click.user))
            await desk.board.write(ledger.audit, desk.board.now(), click.user, "see webhook addresses", "")
            await answer(desk, click, Message(safe(shown), ()), instead=unseen)
        case "audit":
            typed = click.text.strip().partition(" ")[2]
            await audit.command(desk, msgspec.structs.replace(click, text=typed))
        case "dnc":
            await tell(desk, click, await _do_not_call(desk, click, rest.strip()))
        case "registry" | "registries":
            await registries.command(desk, click, rest.strip())
        case "consent" | "consents":
            await consents.command(desk, click, rest.strip())
        case "contact" | "contacts":
            raise BadInput("Contacts have a command of their own now: `/contacts`; nothing was done.")
        case _:
            raise BadInput(f"“{word}” is not something `/callboard` can do. Type `/callboard help` for all of it.")


def _check(desk: Desk, click: Click, least: str, what: str) -> None:
    role = desk.board.settings.role(click.user)
    if role == "rep" or (least == "admin" and role != "admin"):
        raise NotAllowed(f"Only {least}s may {what}. Nothing was done; ask one of yours.")


async def status(board: Board, user: str) -> str:
    """Everything that works and everything that does not, in words."""
    waiting = await board.read(cards.waiting)
    broken = await board.read(ledger.problems)
    lines = [f"*Callboard {version('callboard')}*; you are {_article(board.settings.role(user))}."]
    for name, provider in board.providers.items():
        failing = any(key == f"provider {name}" for key, *_ in broken)
        lines.append(f"• {provider.title} ({plain(name)}): {'failing' if failing else 'works'}")
        lines += [f"   {safe(notice)}" for notice in provider.notices()]
    lines.append(f"• Slack: {'failing' if any(key in SLACK_ITSELF for key, *_ in broken) else 'works'}")
    lines.append(f"• Messages waiting to be shown: {waiting}")
    lines += await _quiet(board, user)
    lines.append(f"• Database: {_size(board)}")
    if broken:
        lines.append("*Broken:*")
        now, zone = board.now(), await board.read(board.zone_of, user)
        lines += [
            f"• {safe(text)} (since {day_clock(first, now, zone)}, {how_often(n)})" for _, text, first, _, n in broken
        ]
    elif not board.db.failing:
        lines.append("Nothing is broken.")
    lines.append("`/callboard services` says what each phone service can do.")
    return "\n".join(lines)


def services(board: Board) -> str:
    """What can be asked of each phone service, in words."""
    lines = []
    for name, provider in board.providers.items():
        able = [phrase for operation, phrase in operations().items() if provider.can(operation)]
        lines.append(f"• *{provider.title}* ({plain(name)}) can {', '.join(able)}.")
    return "\n".join(lines) or "No phone service is set up yet. `/callboard setup` says what to do."


def _article(role: str) -> str:
    return f"an {role}" if role == "admin" else f"a {role}"


def _size(board: Board) -> str:
    try:
        log = board.db.path.with_name(f"{board.db.path.name}-wal")  # the newest changes, or all
        size = (os.path.getsize(board.db.path) + (os.path.getsize(log) if log.exists() else 0)) / 1e6
        free = shutil.disk_usage(board.db.path.parent).free / 1e9
    except OSError as error:
        return f"its size could not be read ({error.strerror})"
    failing = f"; it cannot be written ({board.db.failing})" if board.db.failing else ""
    return f"{size:.1f} MB, {free:.1f} GB free{failing}"


async def _setup(board: Board, user: str) -> str:
    """What is still to be done, step by step."""
    person = await board.read(people.person, user)
    steps = [
        (person.linked, "Link your phone: `/phone link +1 202 555 0100`, or `/phone link extension 201`."),
        (bool(board.settings.lines), "Add your lines to callboard.toml, each with the channel for its calls."),
        (bool(board.settings.public_url), "Set CALLBOARD_PUBLIC_URL, so that your phone service can reach Callboard."),
        (bool(board.settings.admins), "Name the admins in callboard.toml: they hear of problems."),
        (bool(await board.read(ledger.subscriptions)), "Subscribe a channel to the digest: `/digest daily 18:00`."),
    ]
    lines = [f"• {'Done' if done else 'To do'}: {words}" for done, words in steps]
    return "Setting up Callboard:\n" + "\n".join(lines) + "\nOn the server, `callboard check` tells more."


def policy_words(board: Board) -> str:
    """The rules for calling, in words."""
    found, policy = rules(board), board.settings.policy
    guests = "".join(f", and the guest <@{user}>" for user in policy.guests)
    named = f"every member{guests}"
    if policy.callers:
        named = f"{', '.join(f'<@{user}>' for user in policy.callers)}, managers and admins"
    over = policy.approve_over
    second = (
        f"\n• Lists that call more than {approval.so_many(over)} wait until a second manager says yes" if over else ""
    )
    return (
        f"• Who may call: {named}\n"
        f"• Countries that may be called: {', '.join(sorted(found.allowed_countries))}\n"
        f"• Never: emergency, premium-rate and satellite numbers, and the do-not-call list; those in a "
        "do-not-call registry by hand only (`/callboard registry`)\n"
        f"• {_within(found)}\n"
        f"• {_caps(found)}\n"
        f"{_nightly(found)}"
        f"{_stricter(found)}"
        f"• Managers may allow one call to a number on the do-not-call list, or past a limit of the day, the night or "
        "a place, if they say why\n"
        f"{_to_whom_messages(found)}"
        f"• Voice messages and calls from lists: to one number {_times(found.attempts_per_day)} a day and "
        f"{_times(found.attempts_per_week)} a week{second}"
    )


def _within(found: Rules) -> str:
    """In which hours people are called, and what is asked about first."""
    unusual = {"foreign": "for numbers of other countries", "new": "for numbers nobody has had a call with"}
    asked = [words for kind, words in unusual.items() if kind in found.ask_first]
    within = f"Calls are meant to be placed {found.window.words}"
    if not found.window.always:
        within += ", by the clock of the person called"
        asked.insert(0, "outside of that")
    return f"{within}; {', or '.join(asked)}, Callboard asks first" if asked else within


def _caps(found: Rules) -> str:
    caps = (
        (found.daily_calls, "call", "a day for each rep"),
        (found.daily_minutes, "minute", "a day for each rep"),
        (found.team_daily_calls, "call", "a day for all together"),
        (found.team_daily_minutes, "minute", "a day for all together"),
    )
    cap = ", ".join(f"{counted(limit, noun)} {words}" for limit, noun, words in caps if limit) or "no daily cap"
    at_once = f"; {found.calls_at_once} of one rep at the same moment" if found.calls_at_once else ""
    return f"{cap}{at_once}"


def _nightly(found: Rules) -> str:
    """The line of the lower caps while the team is not at work, "" = there are none."""
    fewer = found.night_calls_at_once < (found.calls_at_once or found.night_calls_at_once + 1)
    nightly = (
        (found.night_calls, f"{counted(found.night_calls, 'call')} of each rep in a night"),
        (found.night_calls_at_once if fewer else 0, f"{found.night_calls_at_once} of one rep at the same moment"),
    )
    night = ", ".join(words for limit, words in nightly if limit and not found.window.always)
    when = (
        f"While the team is not at work, more than three hours before or after those hours by the clock of {found.zone}"
    )
    return f"• {when}: {night}\n" if night else ""


def _stricter(found: Rules) -> str:
    """The lines of places with rules of their own that may be called."""
    return "".join(
        f"• Numbers of {name}: {place}, by hand too\n"
        for name, place in found.places.items()
        if name.partition("-")[0] in found.allowed_countries and place != Place()
    )


def _to_whom_messages(found: Rules) -> str:
    messages = "" if found.window.always else "• Voice messages: in these hours only\n"
    if found.consent_days:
        held = (f"{code} (for {counted(days, 'day')})" if days else code for code, days in found.consent_days.items())
        messages += f"• Voice messages to {', '.join(held)}: only to who has agreed, see `/callboard consent`\n"
    return messages


def _times(limit: int) -> str:
    return how_often(limit) if limit else "without a limit"


def hooks(board: Board, zone: str) -> str:
    """The webhook addresses, for admins only: they hold the hook secret. `zone`: theirs, IANA."""
    lines = ["Paste these addresses at your phone services. They hold a secret: show them to nobody else."]
    for name, provider in board.providers.items():
        if not provider.hook_paths:
            lines.append(f"• {provider.title} ({plain(name)}): none; it tells nothing by itself.")
        for path, what in provider.hook_paths.items():
            lines.append(f"• {provider.title} ({plain(name)}), {safe(what)}\n`{board.settings.hook_url(name, path)}`")
        if provider.hook_templates:
            lines.append("Its templates are printed by `callboard check` on the server.")
    if not board.settings.public_url:
        lines.append("They work on this computer only, until CALLBOARD_PUBLIC_URL is set.")
    if board.settings.old_hook_secret:
        lines.append("Those with the old secret are taken, too, as long as `CALLBOARD_OLD_HOOK_SECRET` is set.")
        for name, at in board.old_hooks.items():
            lines.append(f"• {plain(name)} used one {at_clock(at, board.now(), zone)}.")
        if not board.old_hooks:
            lines.append("None has been used since the start.")
    return "\n".join(lines)


async def _quiet(board: Board, user: str) -> list[str]:
    """Why new messages wait; of channels that are not closed to them."""
    now, zone, closed = board.now(), await board.read(board.zone_of, user), await board.read(channels.closed_to, user)
    found = []
    for channel in sorted(quiet_hours(board.settings).keys() - closed):
        if until := board.routing.quiet_until(channel, now):
            found.append(f"• Quiet: <#{channel}> until {day_clock(until, now, zone)}")
    return found


def _why_not(board: Board, zone: str, reason: str, by: str, at: float) -> str:
    """Why a number is on the do-not-call list, who put it there, and when."""
    who = f"<@{by}>, " if by else ""
    return f"{plain(reason) or 'no reason given'} ({who}{day_clock(at, board.now(), zone)})"


async def _is_listed(desk: Desk, click: Click, text: str) -> str:
    """Of one number: the list shows its latest alone."""
    board = desk.board
    try:
        number, _ = numbers.at_start(slack_text.as_read(text), board.settings.region)
    except BadInput as error:
        raise BadInput(
            "Write `/callboard dnc add +1 202 555 0100 reason`, `dnc remove …`, `dnc +1 202 555 0100` or `dnc`. "
            "Nothing was changed."
        ) from error
    why = await board.read(people.do_not_call, number)
    if why is None:
        return f"{numbers.pretty(number)} is not on the do-not-call list."
    zone = await board.read(board.zone_of, click.user)
    return f"{numbers.pretty(number)} is on the do-not-call list: {_why_not(board, zone, *why)}."


async def _do_not_call(desk: Desk, click: Click, text: str) -> str:
    board = desk.board
    word, _, rest = text.partition(" ")
    if word.casefold() in ("", "list"):
        rows = await board.read(people.blocked, _LISTED)
        zone = await board.read(board.zone_of, click.user)
        lines = [
            f"• {numbers.pretty(number)}: {_why_not(board, zone, reason, by, at)}" for number, reason, by, at in rows
        ]
        heading = "Never to be called:" if len(lines) < _LISTED else f"Never to be called, the latest {_LISTED}:"
        return "\n".join([heading, *lines]) if lines else "The do-not-call list is empty."
    if word.casefold() not in ("add", "remove"):
        return await _is_listed(desk, click, text)
    added = word.casefold() == "add"
    if not added:
        _check(desk, click, "manager", "take numbers off the do-not-call list")
    number, reason = numbers.at_start(slack_text.as_read(rest), board.settings.region)
    rep = board.settings.role(click.user) == "rep"

    def change(db: sqlite3.Connection) -> bool:
        if added and opt_outs.opt_out(db, number, reason, click.user, board.now()):
            return True
        if added and (rep or not reason):
            return False  # or the reason that is known would be lost
        if added:
            people.block(db, number, reason, click.user, board.now())
        elif not opt_outs.opt_in(db, number):
            return False
        ledger.audit(db, board.now(), click.user, f"do-not-call {word.casefold()}", number, reason)
        return True

    if not await board.write(change):
        where = "is on the do-not-call list already" if added else "was not on the do-not-call list"
        raise NotFound(f"{numbers.pretty(number)} {where}. Nothing was changed.")
    if not added:
        return f"{numbers.pretty(number)} may be called again."
    waits = await board.read(campaigns.added_to, number)
    campaign = "a campaign" if len(waits) == 1 else "campaigns"
    also = (
        f" It was added to {campaign}, which the phone service dials by itself: {', '.join(map(plain, waits))}. If it "
        "waits there yet, it is taken out within a minute, or the managers are told."
    )
    return f"{numbers.pretty(number)} will not be called any more.{also if waits else ''}"
