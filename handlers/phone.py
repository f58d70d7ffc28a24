"""`/phone`: link my number or extension, choose my line."""

from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackClientError

from bot import linking
from bot.cards.help import help_message
from bot.cards.modals import NONE, phone_modal
from bot.errors import BadInput
from bot.store import people
from bot.store.people import Person
from handlers import Click, Desk, answer, on_command, on_form, tell


def register(app: AsyncApp, desk: Desk) -> None:
    """All listeners of this feature."""
    on_command(app, desk, "phone", command)
    on_form(app, desk, "phone:saved", validate, saved)


async def command(desk: Desk, click: Click) -> None:
    """`/phone …`."""
    text = click.text.strip()
    word, _, rest = text.partition(" ")
    match word.casefold():
        case "":
            await open_phone_modal(desk, click)
        case "help":
            await answer(desk, click, help_message("phone", desk.board.settings.commands))
        case "show":
            await tell(desk, click, linking.words(desk.board, await _person(desk, click)))
        case "unlink":
            await desk.board.write(people.save_person, linking.unlinked(await _person(desk, click)))
            await tell(desk, click, "Your phone is not linked any more. You cannot place calls until you link one.")
        case "line":
            await _save(desk, click, linking.with_line(desk.board, await _person(desk, click), rest.strip()))
        case "link":
            await _save(desk, click, _linked(desk, await _person(desk, click), rest.strip()))
        case other if linking.kind_of(other):
            await _save(desk, click, _linked(desk, await _person(desk, click), text))
        case _:
            forms = "`/phone link +1 202 555 0100`, `/phone link extension 201`, `/phone line Sales`, `/phone unlink`"
            raise BadInput(f"“{word}” is not something `/phone` can do, so nothing was changed. Try {forms}.")


def _linked(desk: Desk, person: Person, text: str) -> Person:
    text, _, account = text.partition(" via ")
    word, _, rest = text.strip().partition(" ")
    kind = linking.kind_of(word)
    if not text.strip():
        raise BadInput("Say which phone, like `/phone link +1 202 555 0100`. Nothing was changed.")
    return linking.linked(
        desk.board, person, kind or "number", rest.strip() if kind else text.strip(), account.strip().casefold()
    )


async def open_phone_modal(desk: Desk, click: Click) -> None:
    """Open the form; within 3 s of the click."""
    board = desk.board
    accounts = [(name, provider.title, provider.rep_phones) for name, provider in board.providers.items()]
    lines = [(line.number, line.label) for line in board.settings.lines]
    person = await board.read(people.person, click.user)
    view = phone_modal(person, accounts, lines, private_metadata=click.response_url)
    await desk.slack.views_open(trigger_id=click.trigger, view=view)


async def validate(desk: Desk, click: Click) -> dict[str, str]:
    """Errors are shown in the form."""
    try:
        _from_form(desk, await desk.board.read(people.person, click.user), click)
    except BadInput as error:
        return {"phone": str(error)}
    return {}


async def saved(desk: Desk, click: Click) -> None:
    """The submitted form."""
    person = await _person(desk, click)
    await _save(
        desk, Click(user=click.user, trigger=click.trigger, response_url=click.value), _from_form(desk, person, click)
    )


def _from_form(desk: Desk, person: Person, click: Click) -> Person:
    fields = click.fields
    kind, value = fields.get("kind", "") or "number", fields.get("phone", "")
    account = fields.get("account", "") if kind != "number" else ""
    found = linking.linked(desk.board, person, kind, value, account)
    if fields.get("extension"):
        found = people.with_extension(found, fields["extension"])
    line = fields.get("line", "")
    return linking.with_line(desk.board, found, "" if line == NONE else line)


async def _save(desk: Desk, click: Click, person: Person) -> None:
    await desk.board.write(people.save_person, person)
    await tell(desk, click, linking.words(desk.board, person))


async def _person(desk: Desk, click: Click) -> Person:
    """The person, with name and zone from Slack where they can be had."""
    person = await desk.board.read(people.person, click.user)
    try:
        user = (await desk.slack.users_info(user=click.user))["user"]
    except (SlackClientError, OSError, TimeoutError):
        return person  # linking a phone must not depend on it; the next time will tell
    return people.named(person, user.get("real_name") or user.get("name", ""), user.get("tz") or "")
