"""`/phone status`: whether somebody takes calls, at the services that keep such a status of people."""

import re
from dataclasses import replace

from bot.board import Board
from bot.errors import BadInput
from bot.provider import Provider
from bot.store import people
from bot.store.people import Person
from bot.store.presence import Presence, presence, save_presence

_AGENT = re.compile(r"[A-Za-z0-9_.@-]{1,60}")


async def service(board: Board, user: str, account: str = "") -> Provider:
    """The service that keeps this person's status. `account`: "" = theirs, or the only one that can.

    Raises:
        BadInput: none can, not that one, or several; names those that can.
    """
    able = [name for name, provider in board.providers.items() if provider.can("set_presence")]
    if not able:
        raise BadInput("None of the connected services keeps a status of people, so nothing was changed.")
    if account and board.provider(account).account not in able:
        title = board.provider(account).title
        raise BadInput(f"{title} keeps no status of people, so nothing was changed. Choose one of: {', '.join(able)}.")
    theirs = (await board.read(people.person, user)).account
    chosen = account or (theirs if theirs in able else "") or (able[0] if len(able) == 1 else "")
    if not chosen:
        known = ", ".join(able)
        raise BadInput(f"Say at which service, like “via {able[0]}”. There are: {known}. Nothing was changed.")
    return board.providers[chosen]


async def know(board: Board, user: str, provider: Provider, agent: str) -> None:
    """Remember who the person is at the service. `agent`: their id there.

    Raises:
        BadInput: not an id, or somebody else's; nothing was changed.
    """
    if not _AGENT.fullmatch(agent):
        raise BadInput(f"“{agent}” is not a user id, so nothing was changed. Look it up at {provider.title}.")
    new = Presence(agent=agent)
    await board.write(save_presence, user, provider.account, new, board.now(), "presence.known_as", agent)


async def put(board: Board, user: str, provider: Provider, word: str) -> str:
    """Set the person's status at the service. Returns its name.

    Raises:
        BadInput: no such status, or who they are there is not known.  Refused, Unavailable: the service's words.
    """
    status = named(provider, word)
    known = await board.read(presence, user, provider.account)
    if not known.agent:
        raise BadInput(
            f"{provider.title} must be told who you are, so nothing was changed. Say your user id there first: "
            "`/phone status as 12345`."
        )
    person = await board.read(people.person, user)
    await provider.set_presence(known.agent, status, _extension(person, provider.account))
    name, now = provider.presence[status], board.now()
    new = replace(known, status=status, at=now)
    await board.write(save_presence, user, provider.account, new, now, "presence", name)
    return name


def named(provider: Provider, word: str) -> str:
    """The key of the status that a word means: its key, its name, or how one name alone begins.

    Raises:
        BadInput: none or several; names them.
    """
    text = word.strip().casefold()
    names = {key: name.casefold() for key, name in provider.presence.items()}
    for found in (
        [key for key, name in names.items() if text in (key.casefold(), name)],
        [key for key, name in names.items() if text and name.startswith(text)],
    ):
        if len(found) == 1:
            return found[0]
    known = ", ".join(provider.presence.values())
    raise BadInput(f"{provider.title} has no status “{word.strip()}”, so nothing was changed. There are: {known}.")


def _extension(person: Person, account: str) -> str:
    if person.account not in ("", account):
        return ""
    return person.extension or (person.phone if person.phone_kind == "extension" else "")
