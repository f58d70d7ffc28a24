"""What was changed in the settings: who has which role, and what calls may cost, in the audit log; what was broken and
is configured no more; where whoever waits is shown.

They stand in callboard.toml, which nobody changes in Slack, so each start looks at what the one before has seen.
"""

import contextlib
import logging
import re
import sqlite3
from collections.abc import Callable, Mapping

import msgspec

from bot import decide, escalating
from bot.board import Board
from bot.periods import WEEKDAYS
from bot.provider import Provider
from bot.settings import Settings
from bot.store import cards, ledger, missed_calls

log = logging.getLogger("callboard.settings_noted")

_OF_ACCOUNTS: Mapping[str, Callable[[Provider], bool]] = {
    "provider ": lambda service: any(map(service.can, ("check", "active_calls", "call_state"))),
    "version ": lambda service: service.can("check"),
    "webhook ": lambda service: bool(service.hook_paths),
    "webhooks of ": lambda service: service.can("call_log"),
    "call log ": lambda service: service.can("call_log"),
}
"""How names of problems begin that end in an account's -> whether its service is one at which that is looked for."""
_CHANNEL = re.compile(r"Slack ([CG][A-Z0-9]+)")
"""The name of a problem with a channel."""
_PERSON = re.compile(r"Slack @([UW][A-Z0-9]+)")
"""That of one with a person."""
FACT = "settings of the last start"
_LISTS = ("admins", "managers", "policy.countries", "policy.weekdays", "policy.callers", "policy.guests")


async def note(board: Board) -> None:
    """At start: a line for each of them that is not as it was. What an older Callboard did not have was not changed.

    And whoever waits for a call back is shown where their line's channel is now.
    """
    await _drop_what_is_gone(board)
    if await board.read(missed_calls.moved, board.routing.place):
        with contextlib.suppress(sqlite3.Error):  # a full disk: the next start tries again
            await board.write(missed_calls.follow_settings, board.routing.place, board.now())
    told = await board.read(ledger.recall, FACT)
    before = msgspec.json.decode(told[0], type=dict[str, str]) if told else {}
    now = _figures(board.settings)
    if now == before:
        return

    def write(db: sqlite3.Connection) -> None:
        for name, words in sorted(now.items()):
            if name in before and not _same(name, before[name], words):
                ledger.audit(db, board.now(), "", "setting changed", name, f"{before[name]} -> {words}")
        ledger.remember(db, FACT, msgspec.json.encode(now).decode(), board.now())

    try:
        await board.write(write)
    except sqlite3.Error:  # a full disk, for which settings may have been changed: Callboard starts all the same
        log.exception("That settings were changed could not be written down; the next start tries again.")


async def _drop_what_is_gone(board: Board) -> None:
    """Of what is configured no more nobody would ever find that it works again, and tell."""
    broken = await board.read(ledger.problems)
    if not broken:
        return
    digests = {channel for channel, *_ in await board.read(ledger.subscriptions)}
    gone = [key for key, *_ in broken if _is_gone(board, digests, key)]
    since = board.now() - escalating.LOST_SECONDS
    gone += [key for key, _, _, at, _ in broken if at < since and _has_no_role(board.settings, key)]

    def drop(db: sqlite3.Connection) -> None:
        for key in gone:
            ledger.solved(db, key)
            if channel := _CHANNEL.fullmatch(key):
                cards.give_up(db, channel[1])

    if gone:
        with contextlib.suppress(sqlite3.Error):  # a full disk: the next start tries again
            await board.write(drop)


def _is_gone(board: Board, digests: set[str], key: str) -> bool:
    from bot import lookup, native_calls, pictures  # spared where nothing is broken

    settings = board.settings
    there = {
        "Slack connection": settings.mode == "socket",
        "job socket": settings.mode == "socket",
        lookup.PROBLEM: bool(settings.lookup_url),
        native_calls.PROBLEM: settings.slack_calls,
        pictures.PROBLEM: settings.digest_picture,
    }
    if key.startswith("user group "):
        return f"@{key.removeprefix('user group ')}" not in decide.mentioned(settings.flows)
    if channel := _CHANNEL.fullmatch(key):
        return channel[1] not in settings.channels | digests
    for begin, looks in _OF_ACCOUNTS.items():
        if key.startswith(begin):
            service = board.providers.get(key.removeprefix(begin))
            return service is None or not looks(service)
    return not there.get(key, True)


def _has_no_role(settings: Settings, key: str) -> bool:
    """Of whoever has left and is named nowhere there is nothing to mend."""
    person = _PERSON.fullmatch(key)
    return person is not None and settings.role(person[1]) == "rep"


def _same(name: str, before: str, now: str) -> bool:
    """Of a list the order says nothing."""
    if name in _LISTS:
        return sorted(before.split(", ")) == sorted(now.split(", "))
    return before == now


def _figures(settings: Settings) -> dict[str, str]:
    """As callboard.toml names them -> in words."""
    tables = {name: vars(getattr(settings, name)) for name in ("policy", "messages", "recording", "retention")}
    figures = {f"{table}.{name}": _words(value) for table, found in tables.items() for name, value in found.items()}
    figures["policy.weekdays"] = _words([WEEKDAYS[day][:3].lower() for day in settings.policy.weekdays])
    return figures | {"admins": _words(settings.admins), "managers": _words(settings.managers)}


def _words(value: object) -> str:
    if isinstance(value, Mapping):
        value = [f"{name} {said}" for name, said in sorted(value.items())]
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    return str(value) or "none"
