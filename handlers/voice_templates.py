"""Stored voice messages: `/voicemsg templates`, the form that stores one, and the button that deletes one."""

import msgspec
from slack_bolt.async_app import AsyncApp

from bot import changing, message_queue, messaging, numbers, permission
from bot.board import Board
from bot.cards import plain
from bot.cards.voicemsg_forms import delete_message, template_message, template_modal, templates_message
from bot.changing import Change
from bot.errors import BadInput, CallboardError, NotAllowed, NotFound, Unsupported
from bot.orders import NewTemplate, Template
from handlers import Click, Desk, answer, on_actions, on_form, tell
from handlers.live import once


def register(app: AsyncApp, desk: Desk) -> None:
    """All listeners of this feature; its commands come from handlers/voice_messages.py."""
    on_actions(app, desk, "template", {"delete": (delete, None)})
    on_form(app, desk, "template:store", validate_template, once(store_template))


async def templates(desk: Desk, click: Click, rest: str) -> None:
    """`/voicemsg templates [show NAME | add | delete NAME]`"""
    board = desk.board
    word, _, name = rest.partition(" ")
    name = name.strip().strip('"“”')
    match word.casefold():
        case "" | "list":
            command_name = board.settings.commands["voicemsg"]
            found = await stored_at(board)
            await answer(desk, click, templates_message(found, command_name, many=len(found) > 1))
        case "show" if name:
            account, template = await _one(board, name)
            provider = board.provider(account)
            if provider.can("template"):
                template = await provider.template(template.id)
            zone = await board.read(board.zone_of, click.user)
            await answer(desk, click, template_message(provider.title, template, board.now(), zone))
        case "add":
            _check_manager(desk, click)
            await _open_template_form(desk, click)
        case "delete" if name:
            _check_manager(desk, click)
            account, template = await _one(board, name)
            await answer(desk, click, delete_message(account, board.provider(account).title, template))
        case _:
            raise BadInput(
                "Write `/voicemsg templates`, `templates show NAME`, `templates add` or `templates delete NAME`. "
                "Nothing was changed."
            )


def _check_manager(desk: Desk, click: Click) -> None:
    if desk.board.settings.role(click.user) == "rep":
        raise NotAllowed("Only managers may change stored messages. Nothing was changed; ask one of yours.")


async def stored_at(board: Board) -> list[tuple[str, str, tuple[Template, ...] | str]]:
    """(account, title, its stored messages, or a sentence why there are none) of all that can send any."""
    found: list[tuple[str, str, tuple[Template, ...] | str]] = []
    for name in message_queue.sending_accounts(board):
        provider = board.provider(name)
        if not provider.can("templates"):
            words = f"{provider.title} does not list its stored messages: name one as it is called there."
            if "template" not in provider.message_options:
                words = f"{provider.title} stores no messages; it speaks texts."
            found.append((name, provider.title, words))
            continue
        try:
            found.append((name, provider.title, await provider.templates()))
        except CallboardError as error:
            found.append((name, provider.title, str(error)))
    return found


async def _one(board: Board, typed: str) -> tuple[str, Template]:
    """(account, stored message) of that name or id, "account/id" included.

    Raises:
        NotFound, BadInput: none, or several; says why.
    """
    stored = await stored_at(board)
    found = [
        (account, template)
        for account, _, templates in stored
        if not isinstance(templates, str)
        for template in templates
        if messaging.named(template, typed) or typed == f"{account}/{template.id}"
    ]
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(f"{account}/{template.id}" for account, template in found)
        raise BadInput(f"Several stored messages are called “{typed}”: {ids}. Use one of these. Nothing was done.")
    why = " ".join(templates for _, _, templates in stored if isinstance(templates, str))
    raise NotFound(f"There is no stored message “{typed}”, so nothing was done. {why}".strip())


async def _open_template_form(desk: Desk, click: Click) -> None:
    board = desk.board
    able = [(name, provider.title) for name, provider in board.providers.items() if provider.can("create_template")]
    if not able:
        raise Unsupported(
            "None of your phone services lets Callboard store messages. Store it there, then send it by its name."
        )
    metadata = msgspec.json.encode({"account": able[0][0], "response_url": click.response_url}).decode()
    await desk.slack.views_open(trigger_id=click.trigger, view=template_modal(able, metadata))


async def validate_template(desk: Desk, click: Click) -> dict[str, str]:
    """A key and a number go together, and whoever presses it is put through to nobody whom nobody here may call."""
    digit, number = click.fields.get("digit", ""), click.fields.get("number", "")
    if number and not digit:
        return {"number": "Choose the key that puts through to that number, or leave the number empty."}
    if digit and not number:
        return {"number": "Write whom that key puts through to, or choose no key."}
    if number:
        try:
            to = numbers.parse(number, desk.board.settings.region)
            await desk.board.read(permission.check_transfer, desk.board, click.user, to)
        except (BadInput, NotAllowed) as error:
            return {"number": str(error)}
    return {}


async def store_template(desk: Desk, click: Click) -> None:
    """Store it at the phone service."""
    board, fields = desk.board, click.fields
    metadata = msgspec.json.decode(click.value or "{}")
    click = msgspec.structs.replace(click, response_url=metadata.get("response_url", ""))
    _check_manager(desk, click)
    account = fields.get("account") or metadata.get("account", "")
    provider = board.provider(account)
    number = fields.get("number", "")
    new = NewTemplate(
        name=fields["name"],
        media=fields["media"],
        redirect_digit=int(fields.get("digit") or 0),
        redirect_number=numbers.parse(number, board.settings.region) if number else "",
    )
    asked = _change(click, "store voice message", new.name, account)
    created = await changing.make(board, asked, provider.create_template(new), told=str)
    await tell(desk, click, f"{provider.title} stored the message “{plain(new.name)}” (id {plain(created)}).")


async def delete(desk: Desk, click: Click) -> None:
    """*Delete*, after the question."""
    _check_manager(desk, click)
    board = desk.board
    account, _, template = click.value.partition("/")
    provider = board.provider(account)
    asked = _change(click, "delete voice message", template, account)
    await changing.make(board, asked, provider.delete_template(template))
    await tell(desk, click, f"{provider.title} deleted the stored message {plain(template)}.", replace=True)


def _change(click: Click, what: str, subject: str, account: str) -> Change:
    look = "`/voicemsg templates`"
    return Change(by=click.user, what=what, subject=subject, detail=account, doing=f"{what} “{subject}”", look=look)
