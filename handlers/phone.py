"""`/phone`: link my number or extension, choose my line."""

import html
import re
import sqlite3

from slack_bolt.async_app import AsyncApp

from bot import linking, numbers, slack_text
from bot.cards.help import help_message
from bot.cards.modals import NONE, phone_modal
from bot.errors import BadInput
from bot.store import ledger, people
from bot.store.people import Person
from handlers import Click, Desk, answer, extensions, on_command, on_form, person_of, presence, taken, tell, web_phone

_LIKE = {"number": "+1 202 555 0100", "extension": "201", "login": "4711", "employee": "7"}
_OF_A_NUMBER = re.compile(r"[+(]*\d")
"""How a number begins that somebody wants to link and says no more of."""
_SHORT = re.compile(r"x? ?(?P<digits>[0-9]{2,6})", re.IGNORECASE)
_AND_EXTENSION = re.compile(r"(?P<number>\+?[\d\s().-]+?)\s+ext(?:ension)?\s+(?P<code>\S+)", re.IGNORECASE)
"""A number that rings, and the extension by which the phone service names the same person."""


def register(app: AsyncApp, desk: Desk) -> None:
    """All listeners of this feature."""
    on_command(app, desk, "phone", command)
    on_form(app, desk, "phone:saved", validate, saved)
    web_phone.register(app, desk)


async def command(desk: Desk, click: Click) -> None:
    """`/phone …`."""
    text = html.unescape(slack_text.without_links(click.text))
    word, _, rest = text.partition(" ")
    match word.casefold():
        case "":
            await open_phone_modal(desk, click)
        case "help":
            await answer(desk, click, help_message("phone", desk.board.settings.commands))
        case "web":
            await web_phone.command(desk, click, rest)
        case "show":
            await tell(desk, click, linking.words(desk.board, await person_of(desk, click)))
        case "unlink":
            await _store(desk, "unlink phone", linking.unlinked(await person_of(desk, click)))
            await tell(desk, click, "Your phone is not linked any more. You cannot place calls until you link one.")
        case "status":
            await presence.command(desk, click, rest.strip())
        case "extensions":
            await extensions.command(desk, click, rest.strip())
        case "line" if not rest.strip():
            names = desk.board.settings.line_names
            known = f"There are: {names}." if names else "No lines are configured; ask your admin."
            raise BadInput(f"Say which line, or “none” for the service's default. Nothing was changed. {known}")
        case "line":
            person = await person_of(desk, click)
            await _save(desk, click, linking.with_line(desk.board, person, slack_text.unquoted(rest.strip())))
        case "link":
            await _save(desk, click, _linked(desk, await person_of(desk, click), rest.strip()))
        case other if linking.kind_of(other) or _OF_A_NUMBER.match(other):
            await _save(desk, click, _linked(desk, await person_of(desk, click), text))
        case _:
            forms = "`/phone link +1 202 555 0100`, `/phone link extension 201`, `/phone line Sales`, `/phone unlink`"
            more = "`/phone help` shows all of it"
            raise BadInput(f"“{word}” is not something `/phone` can do, so nothing was changed. Try {forms}; {more}.")


def _linked(desk: Desk, person: Person, text: str) -> Person:
    text, _, account = text.partition(" via ")
    text, account = text.strip(), account.strip().casefold()
    if not text:
        raise BadInput("Say which phone, like `/phone link +1 202 555 0100`. Nothing was changed.")
    word, _, rest = text.partition(" ")
    kind = linking.kind_of(word)
    value = rest.strip() if kind else text
    if kind in _LIKE and not value:
        raise BadInput(f"Say which, like `/phone link {kind} {_LIKE[kind]}`. Nothing was changed.")
    both = _AND_EXTENSION.fullmatch(value) if kind in ("", "number") else None
    if both is None:
        try:
            return linking.linked(desk.board, person, kind or "number", value, account)
        except BadInput as error:
            short = _SHORT.fullmatch(value)
            if kind or not short or numbers.is_emergency(value, desk.board.settings.region):
                raise
            raise BadInput(
                f"“{value}” is too short for a phone number. If it is your extension, type `/phone link extension "
                f"{short['digits']}`. Nothing was changed."
            ) from error
    return linking.known_as(linking.linked(desk.board, person, "number", both["number"], account), both["code"])


async def open_phone_modal(desk: Desk, click: Click) -> None:
    """Open the form; within 3 s of the click."""
    board = desk.board
    callers = {name: provider for name, provider in board.providers.items() if provider.can("place_call")}
    accounts = [(name, board.title(name), provider.rep_phones) for name, provider in callers.items()]
    lines = [(line.number, line.label) for line in board.settings.lines]
    person = await board.read(people.person, click.user)
    view = phone_modal(person, accounts, lines, private_metadata=click.response_url)
    await desk.slack.views_open(trigger_id=click.trigger, view=view)


async def validate(desk: Desk, click: Click) -> dict[str, str]:
    """Errors are shown in the form."""
    try:
        linking.known_as(Person(click.user), click.fields.get("extension", ""))
    except BadInput as error:
        return {"extension": str(error)}
    if wrong := _no_service(desk, click):
        return {"account": wrong}
    try:
        person = _from_form(desk, await desk.board.read(people.person, click.user), click)
        await taken.check_free(desk, person)
    except BadInput as error:
        return {"phone": str(error)}
    return {}


async def saved(desk: Desk, click: Click) -> None:
    """The submitted form."""
    person = await person_of(desk, click)
    await _save(
        desk, Click(user=click.user, trigger=click.trigger, response_url=click.value), _from_form(desk, person, click)
    )


def _no_service(desk: Desk, click: Click) -> str:
    """What is wrong where no service was chosen, "" = nothing: any rings a number, and some phones only one can."""
    kind = click.fields.get("kind", "")
    able = [one for one in desk.board.providers.values() if one.can("place_call") and kind in one.rep_phones]
    if click.fields.get("account") != NONE or kind == "number" or len(able) < 2:
        return ""
    return "Only one of the services can ring it: choose which. Nothing was changed."


def _from_form(desk: Desk, person: Person, click: Click) -> Person:
    fields = click.fields
    kind, value = fields.get("kind", "") or "number", fields.get("phone", "")
    account = fields.get("account", "")
    found = linking.linked(desk.board, person, kind, value, "" if account == NONE else account)
    code = fields.get("extension", "")
    if kind == "extension" and (not code or code == person.extension == person.phone):
        code = found.phone  # left as it stood there: it goes with the phone
    found = linking.known_as(found, code)
    line = fields.get("line", "")
    return linking.with_line(desk.board, found, "" if line == NONE else line)


async def _save(desk: Desk, click: Click, person: Person) -> None:
    await taken.check_free(desk, person)
    await _store(desk, "link phone", person)
    await tell(desk, click, linking.words(desk.board, person))


async def _store(desk: Desk, what: str, person: Person) -> None:
    """Whose phone rings is on record: calls are billed and heard by it."""

    def store(db: sqlite3.Connection) -> None:
        taken.save(db, desk, person)
        told = f"{person.account} {person.extension} {person.line}"
        ledger.audit(db, desk.board.now(), person.user, what, person.phone or "no phone", " ".join(told.split()))

    await desk.board.write(store)
