"""`/phone extensions …`: which extensions a phone service has, whose they are, and what they are doing."""

from bot.cards.extensions import LISTED, Listed, extensions_message, matching
from bot.errors import CallboardError, Unsupported
from bot.store import people
from handlers import Click, Desk, answer


async def command(desk: Desk, click: Click, text: str) -> None:
    """What follows `/phone extensions`: nothing, "all", a part of a name; and "via" an account."""
    board = desk.board
    words, _, account = f" {text} ".partition(" via ")
    first, _, rest = words.strip().partition(" ")
    everything = first.casefold() == "all"
    wanted = rest.strip() if everything else words.strip()
    names = _able(desk, account.strip().casefold())
    shown = [await _listed(desk, name, wanted, everything) for name in names]
    await answer(desk, click, extensions_message(shown, board.settings.commands["phone"]))


def _able(desk: Desk, account: str) -> list[str]:
    """Accounts that list their extensions.

    Raises:
        BadInput: there is no such account.  Unsupported: it does not list them, or none does.
    """
    board = desk.board
    asked = [board.provider(account).account] if account else list(board.providers)
    able = [name for name in asked if board.providers[name].can("extensions")]
    if not able:
        titles = " and ".join(dict.fromkeys(board.providers[name].title for name in asked)) or "No phone service"
        raise Unsupported(f"{titles} cannot list its extensions, so there is nothing to show.")
    return able


async def _listed(desk: Desk, name: str, wanted: str, everything: bool) -> Listed:
    board = desk.board
    provider = board.provider(name)
    try:
        found = matching(await provider.extensions(everything), wanted)
    except CallboardError as error:
        return Listed(provider.title, wrong=str(error))
    shown = found[:LISTED]
    users = await board.read(people.of_extensions, name, tuple(one.code for one in shown))
    return Listed(provider.title, shown, len(found) - len(shown), users, whole=everything)
