"""Calling people into a conference of the phone service: one typed command, one ask and one intent for each of them.

Each is a call of its own through the one gate, with its policy, its card and its fate; what stands in the way of one
stops nobody else.
"""

import sqlite3

import msgspec
from msgspec.structs import replace

from bot import asking, gathering, who
from bot.board import Board
from bot.errors import BadInput, NotFound, Unsupported
from bot.intents import CONFERENCE, Ask
from bot.namesakes import Choice, ambiguous
from bot.store import ledger, people


async def asks(board: Board, user: str, said: gathering.ConferenceText) -> tuple[Ask, ...]:
    """One for each, all at the one account where the conference is.

    Raises:
        BadInput, NotFound, Unsupported: names the first who cannot be called; nobody was.
    """
    account = await _account(board, user, said)
    found = [await _ask(board, user, said, guest, account) for guest in said.guests]
    once = {(ask.number, ask.extension): ask for ask in reversed(found)}
    return tuple(reversed(once.values()))


async def _account(board: Board, user: str, said: gathering.ConferenceText) -> str:
    """Whose conference it is: the account that was named, the line's, the caller's own, or the first that can."""
    line = board.settings.line(asking.line_of(board, said.line))
    person = await board.read(people.person, user)
    named = asking.account_of(board, said.provider) or (line.account if line else "")
    able = [name for name, provider in board.providers.items() if provider.can("join_conference")]
    if named and named not in able:
        others = f"Choose “via {able[0]}”" if able else "Your other phone services cannot either"
        raise Unsupported(f"{board.title(named)} cannot call people into conferences. Nobody was called. {others}.")
    if not able:
        raise Unsupported("None of your phone services can call people into conferences, so nobody was called.")
    return named or (person.account if person.account in able else able[0])


async def _ask(board: Board, user: str, said: gathering.ConferenceText, guest: gathering.Guest, account: str) -> Ask:
    if isinstance(guest, gathering.Me) or (isinstance(guest, who.Mention) and guest.user == user):
        found = await _own(board, user)
    else:
        resolved = await asking.resolve(board, user, who.CallText(guest))
        if isinstance(resolved, Choice):
            raise ambiguous(guest, resolved)
        found = resolved
    if found.extension and found.account not in ("", account):
        raise BadInput(
            f"{found.name or found.number} has an extension at {board.title(found.account)}, and the conference is at "
            f"{board.title(account)}. Write their number instead. Nobody was called."
        )
    return replace(
        found,
        conference=said.code,
        account=account,
        line=asking.line_of(board, said.line),
        max_seconds=said.max_seconds or 0,
    )


async def _own(board: Board, user: str) -> Ask:
    """Your own phone; nobody is asked whether they may be called at that hour themselves."""
    person = await board.read(people.person, user)
    if person.phone_kind == "number":
        return Ask(rep=user, number=person.phone, name=person.name, confirmed=True)
    extension = person.phone if person.phone_kind == "extension" else person.extension
    if extension:
        return Ask(rep=user, number=extension, extension=True, name=person.name, account=person.account, confirmed=True)
    raise NotFound(
        "Callboard does not know a number or extension of yours, so nobody was called. Link one with "
        "`/phone link +1 202 555 0100`, or leave out “me” and dial in yourself."
    )


async def promise(board: Board, key: str, wanted: tuple[Ask, ...]) -> list[str]:
    """What was typed (the intent `key`) becomes an intent for each; returns their keys. All of them, or none."""
    keys = [f"{key}:{number}" for number in range(1, len(wanted) + 1)]

    def write(db: sqlite3.Connection) -> list[str]:
        for one, ask in zip(keys, wanted, strict=True):
            ledger.write_intent(db, one, ask.rep, CONFERENCE, msgspec.json.encode(ask), board.now())
        ledger.drop_intent(db, key)
        return keys

    return await board.write(write)
