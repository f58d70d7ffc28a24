"""`/phone`: what a person says about their phone -> what is linked, checked against what the provider can ring."""

import re
from contextlib import suppress
from dataclasses import replace

from bot import number_kinds, numbers, ordering, permission, policy
from bot.board import Board
from bot.errors import BadInput
from bot.names import called
from bot.provider import Provider
from bot.store.people import Person

_KINDS = {"ext": "extension", **{kind: kind for kind in ("extension", "login", "trunk", "employee", "number")}}
_CODE = re.compile(r"[A-Za-z0-9_-]{1,40}")


def linked(board: Board, person: Person, kind: str, value: str, account: str = "") -> Person:
    """The person with another phone linked. `kind`: as in `RepPhone`; `value`: as typed.

    Raises:
        BadInput: not a phone, or no configured provider can ring it; nothing was changed.
    """
    account = _account(board, kind, account)
    if kind == "number":
        try:
            value = numbers.parse(value, board.settings.region)
        except BadInput as error:
            raise BadInput(f"{error} Nothing was changed.") from error
    elif kind != "trunk":
        _check_code(value)
    _check_rings(board, kind, value)
    if kind == "number":
        return replace(person, phone_kind=kind, phone=value, account=account)
    # Notifications name people by the very code that rings them.
    extension = value if kind in ("extension", "employee") else person.extension
    return replace(
        person, phone_kind=kind, phone=value if kind != "trunk" else "", account=account, extension=extension
    )


def known_as(person: Person, code: str) -> Person:
    """The person with the extension code by which webhooks name them, whatever rings first; "" = none.

    Raises:
        BadInput: not a code; nothing was changed.
    """
    if code:
        _check_code(code)
    return replace(person, extension=code)


def with_line(board: Board, person: Person, text: str) -> Person:
    """The person with another default line; "none" or "" = the service's default.

    Raises:
        BadInput: no such line; names those there are.
    """
    if text.casefold() in ("", "none", "default"):
        return replace(person, line="")
    if found := called(text, board.settings.lines, lambda line: line.label) or board.settings.line(text):
        return replace(person, line=found.number)
    number = ""
    with suppress(BadInput):  # a name, then, that no line has
        number = numbers.parse(text, board.settings.region)
    if board.settings.line(number) is None:
        known = board.settings.line_names
        advice = f"Choose one of: {known}." if known else "No lines are configured; ask your admin."
        raise BadInput(f"There is no line “{text}”, so nothing was changed. {advice}")
    return replace(person, line=number)


def unlinked(person: Person) -> Person:
    """The person without a phone."""
    return replace(person, phone_kind="", phone="", account="", extension="", line="")


def words(board: Board, person: Person) -> str:
    """What rings first, and what others see."""
    if not person.linked:
        return "No phone is linked. Link yours with `/phone link +1 202 555 0100`, or `/phone link extension 201`."
    phone = _phone_words(person)
    provider = board.providers.get(person.account)
    at = f" at {provider.title}" if provider else ""
    known = f" Incoming calls to extension {person.extension} are shown as yours." if person.extension else ""
    return f"When you call, {phone}{at} rings first; people see {_seen(board, person)}.{known}"


def seen_line(board: Board, person: Person) -> str:
    """Their line (E.164), if it is what people see when they simply call; "" = it is the service's default."""
    service = _service(board, person)
    return ordering.caller_id(board, service, service.order_options, "", person)


def _service(board: Board, person: Person) -> Provider:
    """That which simple calls of theirs go through."""
    return board.providers.get(person.account) or next(iter(board.providers.values()))


def _seen(board: Board, person: Person) -> str:
    line = board.settings.line(person.line)
    if line is None:
        return "the service's default number"
    label, service = line.label or numbers.pretty(line.number), _service(board, person)
    if seen_line(board, person):
        return label
    default = f"the default number of {service.title}"
    if line.account in ("", service.account):
        return f"{default}, which cannot show {label}"
    owner = board.title(line.account)
    if person.phone_kind != "number":
        return f"{default}: {label} is a line of {owner}, which cannot ring that phone"
    return f"{default}: {label} is a line of {owner}, shown where you write `from {label}`"


def _phone_words(person: Person) -> str:
    return {
        "number": numbers.pretty(person.phone),
        "extension": f"extension {person.phone}",
        "login": f"the phone with login code {person.phone}",
        "trunk": "the extension behind the SIP trunk",
        "employee": f"employee {person.phone}",
    }[person.phone_kind]


def changed(old: Person, new: Person) -> str:
    """What somebody is told whose phone is another one from now on, "" = nothing: it is none, the first, or the same.

    Whoever has somebody's Slack for a while would hear their callers ever after.
    """
    if not (old.linked and new.linked) or _phone_words(old) == _phone_words(new):
        return ""
    return (
        f"Your phone was changed: {_phone_words(new)} rings now when you call, instead of {_phone_words(old)}. If it "
        "was not you, somebody else uses your Slack: type `/phone link` and your own number, and tell your admin."
    )


def _check_code(code: str) -> None:
    if not _CODE.fullmatch(code):
        raise BadInput(
            f"“{code}” is not a code of letters and digits, so nothing was changed. Look it up in the service."
        )


def _check_rings(board: Board, kind: str, value: str) -> None:
    """Every call of theirs rings it, so it is nothing that is never dialled from here."""
    if kind == "number" and (line := board.settings.line(value)) is not None:
        label = f" ({line.label})" if line.label else ""
        raise BadInput(
            f"{numbers.pretty(value)} is a line of yours{label}, so nothing was changed: it would call itself. "
            "Link your own phone or extension."
        )
    wrong = ""
    if kind == "number" and (found := numbers.parsed(value)) is not None:
        wrong = "a short number" if number_kinds.is_short_abroad(found) else number_kinds.costly(value)
        if number_kinds.is_of_no_country(found):
            wrong = "a number of a satellite or worldwide network"
    elif kind == "extension" and numbers.is_emergency(value, board.settings.region):
        wrong = "an emergency number"
    elif kind == "extension" and number_kinds.is_like_a_number(value):
        wrong = "too long for an extension"
    if wrong:
        raise BadInput(
            f"{numbers.pretty(value)} is {wrong}, so nothing was changed: every call of yours would dial it first. "
            "Link your own phone or extension."
        )
    if kind == "number" and (abroad := policy.own_phone_abroad(value, permission.rules(board))):
        raise BadInput(
            f"{abroad}, so nothing was changed: every call of yours would ring it first. "
            "Link a phone there, or your extension, or ask an admin to allow that country."
        )


def kind_of(word: str) -> str:
    """Kind of phone that a word names, "" = none."""
    return _KINDS.get(word.casefold(), "")


def _account(board: Board, kind: str, account: str) -> str:
    if account:
        provider = board.provider(account)
        if not provider.can("place_call"):
            raise BadInput(f"{provider.title} cannot place calls, so nothing was changed. Choose another service.")
        if kind not in provider.rep_phones:
            kinds = " or ".join(sorted(provider.rep_phones, reverse=True))
            raise BadInput(
                f"{provider.title} cannot ring your {kind} first, so nothing was changed. Link your {kinds} instead."
            )
        return account
    able = [name for name, provider in board.providers.items() if kind in provider.rep_phones]
    if not able:
        raise BadInput(
            f"None of the connected services can ring your {kind} first, so nothing was changed. Link a number."
        )
    # A number can be rung by any service; the other kinds mean something at one service only.
    return "" if kind == "number" else able[0]
