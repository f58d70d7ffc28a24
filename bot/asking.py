"""What a person typed after `/call` -> whom to dial, by which line and account; names are in namesakes.py."""

import html
from collections.abc import Sequence
from contextlib import suppress

import msgspec
from msgspec.structs import replace

from bot import numbers, slack_text, who
from bot.board import Board
from bot.call import Call
from bot.cards import VALUE_LIMIT
from bot.errors import BadInput, NotFound
from bot.intents import Ask
from bot.names import called
from bot.namesakes import Choice, ambiguous, colleague, is_somebody, named
from bot.settings import Line
from bot.store import calls, contacts, missed, people


async def resolve(board: Board, user: str, text: who.CallText, *, asked: bool = False) -> Ask | Choice:
    """The ask of a parsed `/call`. Who is called back is claimed with the call, as by *Call back* on their card.

    `asked`: whoever typed a part of a word can be asked whether that one contact is meant, who is a `Choice` then, and
    is not refused.

    Raises:
        BadInput, NotFound: nobody can be dialled from this; says why and what to type instead.
    """
    base = Ask(
        rep=user,
        number="",
        line=line_of(board, text.line),
        account=account_of(board, text.provider),
        record=text.record,
        max_seconds=text.max_seconds or 0,
        scenario=text.scenario,
        note=text.note,
        dial_digits=text.dial_digits,
    )
    match text.who:
        case who.Number(number, typed):
            contact = await board.read(contacts.get, number)
            return replace(base, number=number, name=contact.name if contact else "", typed=typed)
        case who.Extension(digits):
            return replace(base, number=digits, extension=True, typed=digits)
        case who.Mention(mentioned):
            return await colleague(board, mentioned, base)
        case who.Name(name):
            return await named(board, name, base, asked=asked)
        case who.Back():
            waiting = await _latest_owed(board, user)
            back = returned(user, waiting.number, waiting.name, "", waiting.account)
            if back.extension and base.account not in ("", back.account):
                raise BadInput(
                    f"Extension {back.number} called at {board.title(back.account)}, and elsewhere it may be somebody "
                    "else's, so nothing was dialled. Leave out “via”."
                )
            account = back.account or base.account
            line = base.line
            if not (line or base.account or back.extension):
                line = called_line(board, await board.read(people.person, user), waiting.line)
            return replace(
                base,
                number=back.number,
                name=back.name,
                extension=back.extension,
                account=account,
                line=line,
                missed=waiting.id,
            )
        case _:
            raise BadInput("Say whom to call, like `/call +1 202 555 0100`. Nothing was dialled.")


async def _latest_owed(board: Board, user: str) -> missed.Missed:
    """The latest missed caller that `user` may call back, theirs or nobody's.

    Raises:
        NotFound: nobody waits.
    """
    owed = [row for row in await board.read(missed.owed_by, user) if row.number]
    if not owed:
        raise NotFound("Nobody is waiting for a call back, so nothing was dialled.")
    return max(owed, key=lambda row: row.last_at)


async def last_dialled(board: Board, user: str) -> Ask:
    """The rep's latest outgoing call, to be dialled again after asking.

    Raises:
        NotFound: there is none in the last 30 days.
    """
    call = await board.read(calls.last_dialled, user, board.now() - 30 * 86400)
    if call is None:
        raise NotFound("You have not called anybody in the last 30 days, so there is nobody to call again.")
    return anew(board, user, call)


def anew(board: Board, user: str, call: Call) -> Ask:
    """An ask for whom a call was with: as it was asked for, by what there still is of it, or back where they called."""
    if call.direction != "out":
        return returned(user, call.number, call.name, "", call.account)
    line, account = board.settings.line(call.line), call.account
    moved = line is not None and line.account not in ("", account)
    # Made elsewhere, by an account that is gone, or from a line that is another's now: by another account a number is
    # the same, and an extension or a conference is not.
    if call.number.startswith("+") and not call.conference:
        account = "" if moved or account not in board.providers else account
    elif moved:
        line = None
    return again(
        user,
        call.number,
        call.name,
        line.number if line else "",
        account,
        dial_digits=call.dial_digits,
        conference=call.conference,
    )


def heeding(board: Board, ask: Ask, text: who.CallText) -> Ask:
    """The ask of an earlier call, with what was typed behind `again` in place of what it had.

    Raises:
        BadInput: there is no such line or account, or it cannot be asked for here; says what to leave out.
    """
    line, account = line_of(board, text.line), account_of(board, text.provider)
    if (ask.extension or ask.conference) and account not in ("", ask.account):
        what = f"conference {ask.conference}" if ask.conference else f"extension {ask.number}"
        raise BadInput(
            f"That call was to {what} at {board.title(ask.account)}, and elsewhere it may be another one, so nothing "
            "was dialled. Leave out “via”."
        )
    if ask.conference and (text.record or text.scenario):
        raise BadInput(
            "That call was into a conference, which takes “from”, “max” and “note” only. Nothing was dialled; leave "
            "out the rest."
        )
    kept = ask.account if ask.extension or ask.conference or not line else ""
    return replace(
        ask,
        line=line or ("" if account not in ("", ask.account) else ask.line),
        account=account or kept,
        record=text.record,
        max_seconds=text.max_seconds or 0,
        scenario=text.scenario,
        note=text.note,
    )


def again(
    user: str,
    number: str,
    name: str = "",
    line: str = "",
    account: str = "",
    *,
    dial_digits: str = "",
    conference: str = "",
) -> Ask:
    """An ask for a number that is on record, as it was asked for. `dial_digits`, `conference`: as in `Ask`."""
    return Ask(
        rep=user,
        number=number,
        name=name,
        extension=not number.startswith("+"),
        line=line,
        account=account,
        dial_digits=dial_digits,
        conference=conference,
    )


def called_line(board: Board, rep: people.Person, line: str) -> str:
    """The line (E.164) that a caller had called, as what they see when they are called back.

    "" = the rep's own: the settings have that line no more, or its account cannot ring the rep's phone.
    """
    found = board.settings.line(line)
    if found is None:
        return ""
    rings = rep.phone_kind == "number" or rep.account in ("", found.account) or not found.account
    return found.number if rings else ""


def returned(user: str, number: str, name: str, line: str, account: str) -> Ask:
    """An ask for whoever called at that account. Elsewhere the same extension may be somebody else's phone.

    `line`: what a number sees; "" = the default.
    """
    return again(user, number, name, line) if number.startswith("+") else again(user, number, name, account=account)


def carried(ask: Ask, room: int = VALUE_LIMIT) -> str:
    """The ask as a button carries it, its note cut where all of it is more than `room` characters.

    Raises:
        BadInput: it is too much even without a note.
    """
    note = ask.note
    value = msgspec.json.encode(ask).decode()
    while (over := len(value) - room) > 0:
        if not note:
            raise BadInput(
                "That is too long to be asked about, so nothing was dialled. Write less, or the number alone."
            )
        note = note[: -max(over // 6, 1)]  # a sign takes up to six: \\u0001
        value = msgspec.json.encode(replace(ask, note=f"{note}…")).decode()
    return value


async def check_all(board: Board, typed: str, read: who.CallText) -> None:
    """`Dana Record` is a contact, rather than a call to some Dana that is recorded. `typed`: what was read.

    Raises:
        BadInput: all of it is somebody's name, and a part of it was read as an option.
    """
    whole = html.unescape(" ".join(slack_text.without_links(typed).split()))
    if not isinstance(read.who, who.Name) or read == who.CallText(read.who) or len(whole) > who.LONGEST_NAME:
        return
    if await is_somebody(board, whole):
        raise BadInput(
            f"“{whole}” is all of somebody's name, so nothing was dialled. Write the name in quotes to call them, like "
            f'`/call "{whole}"`; to call {read.who.name}, put that name in quotes.'
        )


async def listed(board: Board, user: str, someone: Sequence[tuple[who.Who, str]]) -> tuple[tuple[str, str], ...]:
    """(E.164, name) of several people; each comes with the name that was written beside them, "" = none.

    Raises:
        BadInput, NotFound: names the first who is nobody, or several; nothing was done.
    """
    found = []
    for one, written in someone:
        ask = await resolve(board, user, who.CallText(one))
        if isinstance(ask, Choice):
            raise ambiguous(one, ask)
        if ask.extension:
            raise BadInput(
                f"{ask.name or ask.number} has an extension and no number here. Write one. Nothing was done."
            )
        found.append((ask.number, written or ask.name))
    return tuple(found)


def line_of(board: Board, text: str) -> str:
    """E.164 of a line by its name or number, "" for "".

    Raises:
        BadInput: there is no such line; names those there are.
    """
    if not text:
        return ""
    lines = board.settings.lines
    for line in lines:
        if text in (line.number, numbers.pretty(line.number)):
            return line.number
    if found := called(text, lines, lambda line: line.label):
        return found.number
    if not lines:
        raise BadInput(
            "No line is configured, so nothing was dialled. Leave out “from”, or ask your admin to add lines."
        )
    raise BadInput(f"There is no line “{text}”, so nothing was dialled. Choose one of: {board.settings.line_names}.")


def lines_named(board: Board, word: str) -> list[Line]:
    """Lines of that name, in any case, or that number, also without its plus; several may have one name."""
    number = f"+{word}"
    with suppress(BadInput):  # a name, or a number without its plus
        number = numbers.parse(word, board.settings.region)
    return [one for one in board.settings.lines if word.casefold() == one.label.casefold() or number == one.number]


def account_of(board: Board, text: str) -> str:
    """Name of an account as typed, in any case, "" for "".

    Raises:
        BadInput: there is none of that name; names those there are.
    """
    if not text:
        return ""
    word = text.casefold()
    titled = [name for name, provider in board.providers.items() if provider.title.casefold() == word]
    if word in board.providers or len(titled) == 1:  # an account's own name goes before a service's
        return word if word in board.providers else titled[0]
    if titled:
        raise BadInput(f"“{text}” could be several accounts: {' or '.join(titled)}. Say which. Nothing was dialled.")
    raise BadInput(
        f"There is no telephony account “{text}”, so nothing was dialled. Choose one of: {', '.join(board.providers)}."
    )
