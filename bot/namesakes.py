"""Who is meant by a name: a contact, a colleague, or one of several who are asked about."""

import re
from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from bot import numbers, who
from bot.board import Board
from bot.cards import who_plain
from bot.errors import BadInput, NotFound
from bot.intents import Ask
from bot.names import Fit, as_spelt, bare, fit, same
from bot.store import contacts, people
from bot.store.contacts import Contact

NAMESAKES = 5
"""Contacts and colleagues that are offered for one name."""
_WITH_COMPANY = re.compile(r"(?P<name>.+?)(?:, *(?P<behind>)| *\()(?P<company>[^()]+?)(?(behind)|\))")
_OF_ONE_NAME = 200
_WORDS_OF_A_NAME = 5
_BETWEEN = ",;:.-–—/ "
"""What may stand between a name and a remark."""


class Choice(msgspec.Struct, frozen=True):
    """A name that several have: one ask each. `more`: than these. `several`: "contacts", or who they are besides.

    A colleague is shown as a contact with the phone they linked, of the company “colleague”. A single one has a name
    of which `part` is no whole word. `company`: nobody has that name, but these are of that company.
    """

    asks: tuple[tuple[Contact, Ask], ...]
    more: bool = False
    several: str = "contacts"
    part: str = ""
    company: str = ""


async def colleague(board: Board, mentioned: str, base: Ask) -> Ask:
    """The ask with the phone that somebody of ours has linked. `mentioned`: Slack user id.

    Raises:
        BadInput, NotFound: it is whoever asks, or they have no phone that can be rung; says so.
    """
    if mentioned == base.rep:
        raise BadInput("That is you. Nothing was dialled.")
    person = await board.read(people.person, mentioned)
    if person.phone_kind == "number":
        return replace(base, number=person.phone, name=person.name)
    extension = _extension(person)
    if extension:
        account = base.account or person.account
        if account and account not in board.providers:
            raise NotFound(
                f"<@{mentioned}> has an extension at the account “{account}”, which is not set up here any more, so "
                "nothing was dialled. Ask them to type `/phone`, or call their number."
            )
        if person.account not in ("", account):
            raise BadInput(
                f"<@{mentioned}> has an extension at {board.title(person.account)}, and elsewhere it may be somebody "
                "else's, so nothing was dialled. Leave out “via”, or call their number."
            )
        return replace(base, number=extension, extension=True, name=person.name, account=account)
    raise NotFound(
        f"<@{mentioned}> has not linked a phone yet, so nothing was dialled. "
        "Ask them to type `/phone`, or call their number."
    )


async def named(board: Board, name: str, base: Ask, *, asked: bool) -> Ask | Choice:
    """Whoever has that whole name, else whom alone a part of it fits; where others may be meant, a question.

    `asked`: as in `asking.resolve`.

    Raises:
        BadInput, NotFound: it is nobody's, or several colleagues'; says what to write instead.
    """
    found = await board.read(contacts.named, name, NAMESAKES + 1)
    called = [person for person in await board.read(people.called, name) if not board.turned_away(person.user)]
    called = [person for person in called if person.linked or same(person.name, name)]
    others = [person for person in called if person.user != base.rep]
    whole = as_spelt(name, [one for one in others if same(one.name, name)], lambda one: one.name)
    if found and fit(found[0].name, name) is Fit.ALL:
        others = [person for person in whole if person.linked]
    elif whole:
        found, others = [], whole
    if called and not (found or others):
        return await colleague(board, base.rep, base)  # says that it is they
    if len(others) > 1 and not found:
        phones = "; ".join(f"<@{person.user}>, {_phone(person)}" for person in others)
        raise BadInput(  # in a form nobody can be mentioned
            f"Several colleagues are called “{name}”, so nothing was dialled. Mention the one you mean, or write the "
            f"number: {phones}."
        )
    by_company = [] if found or others else await of_company(board, name)
    found = found or by_company
    asks = _asks(found, base)
    several = "contacts"
    for person in others:
        ask = await colleague(board, person.user, base)
        if ask.number not in (other.number for _, other in asks):
            asks.append((Contact(ask.number, ask.name, "colleague"), ask))
            several = "contacts and colleagues"
    if not asks:
        if bare(name) not in ("", name):
            return await named(board, bare(name), base, asked=asked)
        if asked and (there := await _at_company(board, name)):
            return Choice(tuple(_asks(there[:NAMESAKES], base)), more=len(there) > NAMESAKES, company=name)
        raise await _nobody(board, name, asked)
    how = fit(found[0].name, name) if found and not (others or by_company) else Fit.ALL
    if len(asks) == 1 and how < Fit.WORDS:
        if asked and how is Fit.BEGINS:
            return Choice(tuple(asks), part=name)
        raise NotFound(
            f"No contact is called “{name}”, so nothing was dialled. Did you mean {found[0].name}? Then write more of "
            f"the name, or {numbers.pretty(found[0].number)}."
        )
    if len(asks) == 1:
        return asks[0][1]
    return Choice(tuple(asks[:NAMESAKES]), more=len(asks) > NAMESAKES, several=several)


def _asks(found: Sequence[Contact], base: Ask) -> list[tuple[Contact, Ask]]:
    return [(contact, replace(base, number=contact.number, name=contact.name)) for contact in found]


def _phone(person: people.Person) -> str:
    if person.phone_kind == "number":
        return numbers.pretty(person.phone)
    extension = _extension(person)
    return f"extension {extension}" if extension else "no phone"


def _extension(person: people.Person) -> str:
    return person.phone if person.phone_kind == "extension" else person.extension


async def of_company(board: Board, name: str) -> list[Contact]:
    """Contacts of the company that stands behind the name, as cards show it: Dana Levi (Acme), or after a comma."""
    match = _WITH_COMPANY.fullmatch(name)
    found = await board.read(contacts.named, match["name"], _OF_ONE_NAME) if match else []
    return [
        one
        for one in found
        if match and fit(one.name, match["name"]) >= Fit.WORDS and same(one.company, match["company"])
    ][: NAMESAKES + 1]


async def _at_company(board: Board, name: str) -> list[Contact]:
    """Contacts with these words in name and company together, each the beginning of a word there."""
    found = await board.read(contacts.page, name, size=_OF_ONE_NAME)
    return [one for one in found if fit(f"{one.name} {one.company}", name) >= Fit.BEGINS][: NAMESAKES + 1]


async def _nobody(board: Board, name: str, asked: bool) -> BadInput | NotFound:
    inside = [number for number, _ in numbers.found_in(name, board.settings.region)]
    if inside:
        how = "the number alone:" if len(inside) == 1 else "one number alone, like"
        return BadInput(f"“{name}” is nobody's name, so nothing was dialled. Write {how} {numbers.pretty(inside[0])}.")
    start = (await beginning(board, name)).strip(_BETWEEN) if asked else ""
    rest = name[len(start) :].strip(_BETWEEN)
    if start and " " in rest and (rest[:1].islower() or await is_somebody(board, start)):
        return NotFound(
            f"No contact is called “{name}”, so nothing was dialled. What is no part of the name goes behind “note”: "
            f"`/call {start} note {rest}`."
        )
    return NotFound(
        f"No contact is called “{name}”, so nothing was dialled. Write the number, like +1 202 555 0100, or add the "
        f"contact with `/contacts add +1 202 555 0100 {name}`."
    )


async def looked_for(
    board: Board, user: str, name: str, limit: int, *, colleagues: bool = True
) -> tuple[str, list[Contact]]:
    """Whose calls `user` looks for by a name: a colleague, by Slack user id; else at most `limit` contacts.

    A rep may look for no calls but their own, so theirs is the only colleague's name beside a contact's.
    `colleagues`: it may be one of them.

    Raises:
        BadInput: it may be a contact or a colleague, or several colleagues; names them.
    """
    found = await board.read(contacts.named, name, limit)
    called = await board.read(people.called, name) if colleagues else []
    whole = bool(found) and fit(found[0].name, name) is Fit.ALL
    if whole or any(same(one.name, name) for one in called):
        called = as_spelt(name, [one for one in called if same(one.name, name)], lambda one: one.name)
    if board.settings.role(user) == "rep":
        called = [one for one in called if one.user == user] or ([] if found else called[:1])
    if called and found and fit(found[0].name, name) is Fit.INSIDE:
        found = []
    found = found if found or called else await of_company(board, name)
    if not (found or called) and bare(name) not in ("", name):
        return await looked_for(board, user, bare(name), limit, colleagues=colleagues)
    if called and len(called) + len(found) > 1:
        known = [who_plain(one.number, one.name, one) for one in found]
        meant = "; ".join([*(f"<@{one.user}>" for one in called), *known][:NAMESAKES])
        raise BadInput(
            f"“{name}” may be one of several: {meant}. Write more of the name, or the number; for the calls "
            "of a colleague mention them. Nothing was searched."
        )
    return (called[0].user if called else ""), found


async def is_somebody(board: Board, name: str) -> bool:
    """Whether a contact or a colleague has that whole name."""
    known: list[Contact | people.Person] = [
        *await board.read(contacts.named, name, 1),
        *await board.read(people.called, name),
    ]
    return any(same(one.name, name) for one in known)


async def beginning(board: Board, text: str) -> str:
    """The most words at the start of a text that are a contact's or a colleague's name, or words of one; "" = none.

    Each look is one into the whole book, so no more than a name usually has are tried.
    """
    apart = text.split(" ")
    for count in range(min(len(apart) - 1, _WORDS_OF_A_NAME), 0, -1):
        part = " ".join(apart[:count])
        if len(part) > who.LONGEST_NAME:
            continue
        found = await board.read(contacts.named, part, 1)
        colleagues = await board.read(people.called, part)
        if colleagues or (found and fit(found[0].name, part) >= Fit.WORDS):
            return part
    return ""


def ambiguous(one: who.Who, choice: Choice) -> BadInput:
    """The error for a name that several have, where nobody can be asked which."""
    name = one.name if isinstance(one, who.Name) else ""
    choices = listed_contacts([contact for contact, _ in choice.asks], more=choice.more)
    return BadInput(f"Several {choice.several} are called “{name}”: {choices}. Write the number. Nothing was done.")


def listed_contacts(found: Sequence[Contact], *, more: bool = False) -> str:
    """Each with the number, for a sentence. `more`: than these."""
    return "; ".join([*(who_plain(one.number, one.name, one) for one in found), *(["…"] if more else [])])
