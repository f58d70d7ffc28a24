"""Campaigns that run at a phone service: finding one by what somebody typed, and the one gate for changing one.

At some services a campaign's code is all that its orders need, so it counts as a secret: buttons, forms, cards and the
store know a campaign by `key()`, and whoever acts on one finds it in the service's own list again.
"""

import asyncio
import difflib
import hashlib
import re
from typing import Any

import msgspec

from bot import changing, number_kinds, numbers
from bot.board import Board
from bot.changing import Change
from bot.errors import Ambiguous, BadInput, CallboardError, NotAllowed, NotFound, Unsupported
from bot.operations import operations
from bot.orders import Campaign
from bot.provider import Provider

_VIA = re.compile(r"(?:^|\s)via\s+(\S+)\s*$", re.IGNORECASE)
_TOKEN = re.compile(r'"([^"]*)"|(\S+)')
_ARGUMENT = re.compile(r"[+(]?\d[\d().-]*|<.*|@.*")
_CODE = re.compile(r"[A-Za-z0-9_-]{1,40}")
_DETAILS_AT_ONCE = 4


class Found(msgspec.Struct, frozen=True):
    """A campaign and where it runs."""

    account: str
    provider: Provider
    campaign: Campaign

    @property
    def value(self) -> str:
        """For buttons and menus; `by_value()` finds it again."""
        return f"{self.account} {key(self.campaign)}"


def key(campaign: Campaign) -> str:
    """A campaign's name in our own house; its code cannot be told from it."""
    return hashlib.blake2s(campaign.code.encode(), digest_size=8).hexdigest()


def accounts(board: Board, via: str = "") -> list[str]:
    """Names of the accounts that have campaigns; with `via` only the one of that name or title.

    Raises:
        BadInput: there is no account of that name.  Unsupported: none of them has campaigns.
    """
    names = [
        name
        for name, provider in board.providers.items()
        if not via or via.casefold() in (name.casefold(), provider.title.casefold())
    ]
    if not names:
        raise BadInput(f"There is no telephony account “{via}”. Choose one of: {', '.join(board.providers)}.")
    able = [name for name in names if board.providers[name].can("campaigns")]
    if not able:
        titles = " and ".join(dict.fromkeys(board.providers[name].title for name in names))
        raise Unsupported(f"{titles} cannot list campaigns, so there is nothing to show or to change.")
    return able


async def listed(board: Board, via: str = "") -> tuple[list[Found], list[CallboardError]]:
    """All campaigns that are not deleted, and what went wrong where. Raises as `accounts()`."""
    names = accounts(board, via)
    answers = await asyncio.gather(*(board.provider(name).campaigns() for name in names), return_exceptions=True)
    found: list[Found] = []
    wrong: list[CallboardError] = []
    for name, answer in zip(names, answers, strict=True):
        if isinstance(answer, CallboardError):
            wrong.append(answer)
        elif isinstance(answer, BaseException):
            raise answer
        else:
            found += [Found(name, board.provider(name), one) for one in answer if one.state != "deleted"]
    return found, wrong


async def details(found: list[Found]) -> list[Found]:
    """The same with everything known of each; one that cannot be asked stays as it is."""
    turns = asyncio.Semaphore(_DETAILS_AT_ONCE)

    async def ask(one: Found) -> Found:
        if not one.provider.can("campaign"):
            return one
        async with turns:
            try:
                return Found(one.account, one.provider, await one.provider.campaign(one.campaign.code))
            except CallboardError:
                return one

    return list(await asyncio.gather(*map(ask, found)))


async def find(board: Board, text: str) -> tuple[Found, str]:
    """The campaign that `text` begins with, and what follows: "Spring sale +1 202 555 0100", '"Sale" via voicenter'.

    Case does not matter. Quotes keep a name together; without them the longest name that fits is meant.

    Raises:
        BadInput: no name, or several accounts have one of that name.  NotFound: none is called that; names similar.
    """
    text, via = without_via(text)
    return pick(text, *await listed(board, via))


def pick(text: str, known: list[Found], wrong: list[CallboardError]) -> tuple[Found, str]:
    """`find()` among campaigns that are `listed()`; `text` without its "via"."""
    tokens = list(_TOKEN.finditer(re.sub("[“”„«»]", '"', text)))
    if not tokens:
        names = ", ".join(f"“{one.campaign.name}”" for one in known[:20]) or "none yet"
        raise BadInput(f"Say which campaign. There are: {names}. Nothing was done.")
    quoted = tokens[0][1] is not None
    longest = max((len(one.campaign.name.split()) for one in known), default=0)
    for count in range(1 if quoted else min(len(tokens), longest), 0, -1):
        name = _name(tokens[0][1] if quoted else " ".join(token[2] or token[1] for token in tokens[:count]))
        meant = [one for one in known if _name(one.campaign.name) == name]
        if len(meant) > 1:
            where = list(dict.fromkeys(f"via {one.account}" for one in meant))
            how = f"add {' or '.join(where)}" if len(where) == len(meant) else "use the buttons of `/campaign`"
            raise BadInput(f"Several campaigns are called “{meant[0].campaign.name}”: {how}. Nothing was done.")
        if meant:
            return meant[0], text[tokens[count - 1].end() :].strip()
    if wrong:
        raise wrong[0]  # it may be one of those that could not be listed
    until = next((place for place, token in enumerate(tokens) if _ARGUMENT.fullmatch(token[0])), len(tokens))
    typed = tokens[0][1] if quoted else " ".join(token[0] for token in tokens[: until or 1])
    raise NotFound(_did_you_mean(typed, [one.campaign.name for one in known]))


def without_via(text: str) -> tuple[str, str]:
    """A text without "via ACCOUNT" at its end, and that account."""
    via = _VIA.search(text)
    return (text[: via.start()].strip(), via[1]) if via else (text.strip(), "")


async def by_value(board: Board, value: str) -> Found:
    """The campaign of a button or menu, as it stands now.

    Raises:
        NotFound: it is gone.  Refused, Unavailable: the service's answer.
    """
    account, _, wanted = value.partition(" ")
    if account in board.providers and board.providers[account].can("campaigns"):
        provider = board.providers[account]
        for campaign in await provider.campaigns():
            if key(campaign) == wanted:
                return Found(account, provider, campaign)
    raise NotFound("That campaign is gone. Nothing was done; `/campaign` shows those there are.")


def check_manager(board: Board, user: str, what: str) -> None:
    """Only managers may change a campaign.

    Raises:
        NotAllowed: this person may only look.
    """
    if board.settings.role(user) == "rep":
        raise NotAllowed(f"Only managers may {what}. Nothing was done; ask one of yours.")


def check_extension(board: Board, code: str) -> None:
    """Whoever takes a campaign's calls is rung for each of them by the service, which asks no policy of ours.

    Raises:
        BadInput: it is a telephone number, or may be dialled as one.
    """
    a_number = number_kinds.is_like_a_number(code) or numbers.is_emergency(code, board.settings.region)
    if a_number or not _CODE.fullmatch(code):
        raise BadInput(
            f"“{code[:40]}” is no extension of the service, so nothing was done: for numbers that it dials by itself "
            "there is no policy. Write the extension's code, like 201."
        )


async def change(
    board: Board,
    user: str,
    found: Found,
    operation: str,
    *arguments: object,
    detail: str = "",
    number: str = "",
) -> Any:
    """Do one thing to a campaign: who may, what the service can, once at a time, in the audit log. Never repeated.

    Args:
        operation: its name.  arguments: what follows the campaign's code.
        detail, number: with what, for the audit log.

    Returns what the operation returns.

    Raises:
        NotAllowed: not this person, or the same is being done already.
        Unsupported: the service cannot.  Refused, Unavailable, Ambiguous: its answer.
    """
    verb = operation.replace("_", " ")
    check_manager(board, user, "change campaigns")
    if not found.provider.can(operation):
        raise Unsupported(f"{found.provider.title} cannot {operations()[operation]}. Do it on its own pages.")
    mark = f"{found.value} {operation} {number}"
    if mark in board.acting:
        raise NotAllowed(f"That is being done already ({verb}). Nothing was done a second time.")
    board.acting[mark] = verb
    name = found.campaign.name
    phrase = operations()[operation].replace("IVR campaigns", "the IVR of campaigns")
    asked = Change(
        by=user,
        what=verb,
        subject=number or name,
        detail=f"{found.account}: {name} {detail}".strip(),
        doing=phrase.replace("campaigns", f"the campaign {name}"),
        look=f"`/campaign show {name}`",
    )
    try:
        return await changing.make(board, asked, getattr(found.provider, operation)(found.campaign.code, *arguments))
    except Ambiguous as error:
        raise Ambiguous(f"{error} Look with {asked.look} before you do it again.") from error
    finally:
        del board.acting[mark]


def _name(text: str) -> str:
    return " ".join(text.split()).casefold()


def _did_you_mean(typed: str, names: list[str]) -> str:
    by_folded = {_name(name): name for name in names}
    close = difflib.get_close_matches(_name(typed), by_folded, n=3, cutoff=0.5)
    close += [name for name in by_folded if _name(typed) in name and name not in close]
    if close:
        alike = " or ".join(f"“{by_folded[name]}”" for name in close[:3])
        return f"There is no campaign “{typed}”. Did you mean {alike}? Nothing was done."
    known = ", ".join(f"“{name}”" for name in names[:20]) or "none yet"
    return f"There is no campaign “{typed}”. There are: {known}. Nothing was done."
