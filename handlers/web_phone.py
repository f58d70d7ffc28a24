"""`/phone web`: the phone in the browser. Asks for its login once, then answers with a link."""

import sqlite3

from slack_bolt.async_app import AsyncApp

from bot import linking, phone_page
from bot.cards.web_phone import link_message, web_phone_modal
from bot.errors import BadInput, Unsupported
from bot.store import ledger, people, web_phones
from bot.store.people import Person
from bot.store.web_phones import Phone
from bot.web_phone import LINK_SECONDS, seal, unseal
from handlers import Click, Desk, answer, on_form, person_of, taken, tell


def register(app: AsyncApp, desk: Desk) -> None:
    """All listeners of this feature."""
    on_form(app, desk, "phone:web_saved", validate, saved)


async def command(desk: Desk, click: Click, words: str) -> None:
    """`/phone web [login | forget]`."""
    match words.strip().casefold():
        case "forget":
            await _forget(desk, click)
        case "login":
            await _ask(desk, click)
        case "":
            phone = await desk.board.read(web_phones.get, click.user)
            known = phone is not None and phone.account in phone_page.with_web_phone(desk.board)
            if phone is None or not known or unseal(desk.board.settings.bot_token, phone.sealed) is None:
                await _ask(desk, click)
            else:
                await _send_link(desk, click, phone)
        case _:
            raise BadInput("Type `/phone web`, `/phone web login` or `/phone web forget`. Nothing was changed.")


async def _ask(desk: Desk, click: Click) -> None:
    """Open the form; within 3 s of the click."""
    offering = phone_page.with_web_phone(desk.board)
    if not offering:
        raise Unsupported(
            "None of the connected services has a web phone that is set up, so nothing was opened. "
            "Link another phone with `/phone`, or ask your admin: docs/web-phone.md says how."
        )
    phone = await desk.board.read(web_phones.get, click.user)
    account = phone.account if phone is not None and phone.account in offering else next(iter(offering))
    view = web_phone_modal(
        [(name, provider.title) for name, provider in offering.items()],
        {"account": account, "login": phone.login if phone is not None else ""},
        private_metadata=click.response_url,
    )
    await desk.slack.views_open(trigger_id=click.trigger, view=view)


async def validate(desk: Desk, click: Click) -> dict[str, str]:
    """Errors are shown in the form."""
    try:
        person = _linked(desk, await desk.board.read(people.person, click.user), click)
        await taken.check_free(desk, person)
    except BadInput as error:
        return {"login": str(error)}
    return {}


async def saved(desk: Desk, click: Click) -> None:
    """The submitted form: keep the login, ring this extension from now on, and send the link."""
    board = desk.board
    person = _linked(desk, await person_of(desk, click), click)
    sealed = seal(board.settings.bot_token, click.fields["password"])
    phone = Phone(click.user, person.account, person.extension, sealed)

    def save(db: sqlite3.Connection) -> None:
        taken.save(db, desk, person)
        web_phones.save(db, phone)
        ledger.audit(db, board.now(), click.user, "web phone login", phone.login, phone.account)

    await board.write(save)
    # The address to answer at travelled in the form.
    back = Click(user=click.user, action=click.action, trigger=click.trigger, response_url=click.value)
    await _send_link(desk, back, phone)


def _linked(desk: Desk, person: Person, click: Click) -> Person:
    offering = phone_page.with_web_phone(desk.board)
    account = click.fields.get("account", "") or next(iter(offering), "")
    if account not in offering:
        raise BadInput("That service has no web phone any more, so nothing was saved. Ask your admin.")
    return linking.linked(desk.board, person, "extension", click.fields.get("login", ""), account)


async def _send_link(desk: Desk, click: Click, phone: Phone) -> None:
    url = await phone_page.link(desk.board, phone)
    lost = "The link to your web phone could not be shown here. Type `/phone web` for another."
    await answer(desk, click, link_message(url, LINK_SECONDS // 60), instead=lost)


async def _forget(desk: Desk, click: Click) -> None:
    board = desk.board
    if not await board.write(web_phones.forget, click.user):
        await tell(desk, click, "You have no web phone, so there was nothing to forget.")
        return
    await board.write(ledger.audit, board.now(), click.user, "forget web phone", click.user)
    await tell(
        desk, click, "Your web phone's login is forgotten and its page signed out. Type `/phone` to link another phone."
    )
