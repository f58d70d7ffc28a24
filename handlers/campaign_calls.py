"""Calls for campaigns: one by hand, many from a file, their cards, and the CSV of what was left out."""

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from slack_bolt.async_app import AsyncApp

from bot import batches, bulk, campaigns, tables
from bot.campaigns import Found
from bot.cards import Block, plain
from bot.cards.campaign_forms import Choices, call_form, file_form, number_form, upload_form
from bot.errors import BadInput, NotAllowed, NotFound
from bot.numbers import pretty
from bot.orders import CampaignCall
from bot.store import campaigns as store
from handlers import Click, Desk, First, Handler, left_out, on_form, open_slowly, tell
from handlers.slack_files import chosen, fetch, wrong_table

_TABLES = ("csv", "tsv", "txt", "text")
"""File types of Slack, and endings of names, that may be a table of calls."""
LEFT_OUT = left_out.Kind(
    store.CARD,
    store.reports_due,
    store.take_report,
    store.refused,
    lambda batch: f"Rows of {batch.source} that were not added to {batch.name}",
)


def register(app: AsyncApp, desk: Desk) -> None:
    """The forms; the buttons are in `BUTTONS`."""
    on_form(app, desk, "campaign:added", validate_call, added)
    on_form(app, desk, "campaign:updated", validate_call, updated)
    on_form(app, desk, "campaign:removed", validate_call, removed)
    on_form(app, desk, "campaign:uploaded", validate_upload, uploaded)
    on_form(app, desk, "campaign:file_for", validate_file, file_for)


async def by_words(desk: Desk, click: Click, word: str, text: str) -> bool:
    """`/campaign add|update|remove NAME NUMBER …`, and the forms where no number follows. False: not one of them."""
    if word not in _BY_WORDS:
        return False
    work, title, form = _BY_WORDS[word]
    if work is None or not re.search(r"\d{3}|\d[ .-]\d", text):
        await open_form(desk, click, title, form, text)
        return True
    campaigns.check_manager(desk.board, click.user, "change the calls of campaigns")
    found, rest = await campaigns.find(desk.board, text)
    if not rest:  # the digits are the name's: "Spring 2026"
        await open_form(desk, click, title, form, text)
        return True
    await work(desk, click, found, *bulk.read_words(rest))
    return True


async def open_form(
    desk: Desk, click: Click, title: str, form: Callable[[Choices, str, str], Block], text: str = ""
) -> None:
    """Open a form whose menu holds all campaigns; the one that the button carries, or `text` names, is chosen."""
    campaigns.check_manager(desk.board, click.user, "change campaigns")

    async def filled() -> Block:
        choices, found = await _choices(desk, text)
        return form(choices, click.value or (found.value if found else ""), click.response_url)

    await open_slowly(desk, click, title, filled)


async def _choices(desk: Desk, text: str) -> tuple[Choices, Found | None]:
    words, via = campaigns.without_via(text)
    known, wrong = await campaigns.listed(desk.board, via)
    if not known:
        raise wrong[0] if wrong else NotFound("There are no campaigns yet. Create one at your phone service first.")
    several = len({one.account for one in known}) > 1
    choices = [(one.value, f"{one.campaign.name} ({one.account})" if several else one.campaign.name) for one in known]
    return choices, campaigns.pick(words, known, wrong)[0] if words else None


async def submitted(desk: Desk, click: Click) -> tuple[Found, Click]:
    """The campaign that a form names, and the click with the address at which its sender reads answers."""
    campaigns.check_manager(desk.board, click.user, "change campaigns")
    found = await campaigns.by_value(desk.board, click.fields["campaign"])
    return found, msgspec.structs.replace(click, response_url=click.value)


# One call


async def validate_call(desk: Desk, click: Click) -> dict[str, str]:
    """Whatever can be said without asking the service is said in the form."""
    for name in ("number", "caller_id", "priority", "at"):
        if name in click.fields:
            try:
                await _call(desk, click.user, {"number": "+12025550100"} | {name: click.fields[name]}, {})
            except BadInput as error:
                return {name: str(error)}
    try:
        _variables(click)
    except BadInput as error:
        return {"variables": str(error)}
    return {}


async def added(desk: Desk, click: Click) -> None:
    """The form *Add a call*."""
    found, click = await submitted(desk, click)
    await _add(desk, click, found, click.fields, _variables(click))


async def updated(desk: Desk, click: Click) -> None:
    """The form *Change a call*."""
    found, click = await submitted(desk, click)
    await _update(desk, click, found, click.fields, _variables(click))


async def removed(desk: Desk, click: Click) -> None:
    """The form *Remove a call*."""
    found, click = await submitted(desk, click)
    await _remove(desk, click, found, click.fields, {})


async def _add(desk: Desk, click: Click, found: Found, fields: Mapping[str, str], variables: Mapping[str, str]) -> None:
    call = await _call(desk, click.user, fields, variables)
    words = await batches.add_one(desk.board, click.user, found, call, fields["number"], _id(click.trigger))
    await tell(desk, click, words)


async def _update(
    desk: Desk, click: Click, found: Found, fields: Mapping[str, str], variables: Mapping[str, str]
) -> None:
    call = await _call(desk, click.user, fields, variables)
    await campaigns.change(desk.board, click.user, found, "update_campaign_call", call, number=call.number)
    await tell(desk, click, f"The call to {pretty(call.number)} in {plain(found.campaign.name)} is changed.")


async def _remove(
    desk: Desk, click: Click, found: Found, fields: Mapping[str, str], variables: Mapping[str, str]
) -> None:
    call = await _call(desk, click.user, {"number": fields["number"]}, {})
    await campaigns.change(desk.board, click.user, found, "remove_campaign_call", call.number, number=call.number)
    await tell(desk, click, f"{pretty(call.number)} does not wait in {plain(found.campaign.name)} any more.")


async def _call(desk: Desk, user: str, fields: Mapping[str, str], variables: Mapping[str, str]) -> CampaignCall:
    """`user`: by whose clock a time is meant."""
    settings = desk.board.settings
    zone = await desk.board.read(desk.board.zone_of, user)
    known = {name: value for name, value in fields.items() if name in bulk.COLUMNS and value}
    try:
        call, extension = bulk.call_of(known, variables, settings.region, zone, desk.board.now())
    except BadInput as error:
        raise BadInput(f"{error} Nothing was done.") from error
    if extension:
        raise BadInput(
            f"No campaign dials an extension like {extension} behind a number, so nothing was done. Write the number "
            f"alone; as the variable {bulk.EXTENSION}={extension} agents see it."
        )
    return call


def _variables(click: Click) -> dict[str, str]:
    found = {}
    for line in click.fields.get("variables", "").splitlines():
        name, equals, value = line.partition("=")
        if line.strip():
            if not equals or not re.fullmatch(r"\w+", name.strip()):
                raise BadInput(f"“{line[:40]}” is no variable: write one a line, like city=Haifa.")
            found[name.strip()] = value.strip()
    return found


def _id(asking: str) -> str:
    """Id of a batch: the same asking is the same batch."""
    return hashlib.blake2s(asking.encode(), digest_size=10).hexdigest()


# Many calls


async def validate_upload(desk: Desk, click: Click) -> dict[str, str]:
    """A file or pasted rows."""
    return wrong_table(click)


async def uploaded(desk: Desk, click: Click) -> None:
    """The form *Add many calls*."""
    file = chosen(click)
    found, click = await submitted(desk, click)
    if file:
        await _read_file(desk, click, found, file)
    else:
        await _prepare(desk, click, found, click.fields["rows"].encode(), "pasted rows", click.trigger)


async def dropped(desk: Desk, event: Mapping[str, Any]) -> None:
    """A file in somebody's conversation with the app: it asks what is in it, calls or contacts."""
    user = event["user"]
    buttons: list[dict[str, str]]
    admin = desk.board.settings.role(user) == "admin"
    for file in event["files"]:
        name = str(file.get("name") or "")  # "" in conversations with other workspaces, where Slack tells only its id
        shown, buttons = plain(name) or "this file", []
        if admin and name.casefold().endswith(".zip"):
            words, buttons = f"Is {shown} a copy of a do-not-call registry?", [_registry(file)]
        elif name and file.get("filetype") not in _TABLES and name.rpartition(".")[2].casefold() not in _TABLES:
            words = (
                f"I can read CSV files of calls for campaigns or reps, or of contacts; {shown} is not one, so nothing "
                "was done."
            )
        elif desk.board.settings.role(user) == "rep":
            words = (
                f"Only managers may add calls to campaigns or import contacts, so {shown} was not read. "
                "Give it to one of yours, or make a call list of your own from it."
            )
            buttons = [_calllist(file)]
        else:
            words = (
                f"Shall the calls of {shown} go into a campaign, or are they contacts? Or shall reps call them? "
                "You see what is in it before anything is sent or changed."
            )
            buttons = [
                {"label": "Choose a campaign…", "action_id": "campaign:file", "value": str(file["id"])},
                {"label": "Import contacts…", "action_id": "contacts:file", "value": str(file["id"])},
                _calllist(file),
            ] + [_registry(file)] * admin
        await desk.board.tell(user, words, f"file:{file['id']}", buttons)


def _registry(file: Mapping[str, Any]) -> dict[str, str]:
    return {"label": "A do-not-call registry…", "action_id": "registry:file", "value": str(file["id"])}


def _calllist(file: Mapping[str, Any]) -> dict[str, str]:
    return {"label": "Make a call list…", "action_id": "calllist:file", "value": str(file["id"])}


async def choose_campaign(desk: Desk, click: Click) -> None:
    """*Choose a campaign…* for a file in the conversation."""
    file = click.value
    blank = msgspec.structs.replace(click, value="")
    await open_form(desk, blank, "Calls from a file", lambda choices, chosen, url: file_form(choices, file))


async def validate_file(desk: Desk, click: Click) -> dict[str, str]:
    """Slack asks for the campaign by itself."""
    return {}


async def file_for(desk: Desk, click: Click) -> None:
    """The form that says which campaign a file is for."""
    file = click.value
    found, _ = await submitted(desk, click)
    await _read_file(desk, msgspec.structs.replace(click, value=""), found, file)


async def _read_file(desk: Desk, click: Click, found: Found, file: str) -> None:
    name, data = await fetch(desk, file, tables.MOST_BYTES)
    await _prepare(desk, click, found, data, name, f"{file} {found.value}")


async def _prepare(desk: Desk, click: Click, found: Found, data: bytes, source: str, asking: str) -> None:
    await tell(desk, click, f"Reading {plain(source)}; its card comes into your conversation with Callboard.")
    await batches.prepare(desk.board, click.user, found, data, source, _id(asking))


# The card of a batch


async def add_rows(desk: Desk, click: Click) -> None:
    """*Add N calls*, *Go on*."""
    if not await batches.begin(desk.board, click.user, click.value):
        raise NotAllowed("That list is being added already, or is over. Nothing was done a second time.")
    await batches.run(desk.board, click.value)


async def pause_rows(desk: Desk, click: Click) -> None:
    """*Pause*."""
    if not await batches.stop(desk.board, click.user, click.value, drop=False):
        raise NotAllowed("That list is not being added, so there is nothing to pause.")


async def drop_rows(desk: Desk, click: Click) -> None:
    """*Discard*, after the question."""
    if not await batches.stop(desk.board, click.user, click.value, drop=True):
        raise NotAllowed("That list is being added or is over, so it was not discarded.")


async def report(desk: Desk, click: Click) -> None:
    """*Rows left out, as CSV*, as often as it is asked for."""
    campaigns.check_manager(desk.board, click.user, "see lists of calls")
    batch = await desk.board.read(store.get, click.value)
    if batch is None:
        raise NotFound("That list of calls is not on record any more. Nothing was sent.")
    await left_out.send(desk, LEFT_OUT, batch, click.user)


BUTTONS: Mapping[str, tuple[Handler, First | None]] = {
    "add": (lambda desk, click: open_form(desk, click, "Add a call", call_form), None),
    "update": (lambda desk, click: open_form(desk, click, "Change a call", _update_form), None),
    "remove": (lambda desk, click: open_form(desk, click, "Remove a call", number_form), None),
    "upload": (lambda desk, click: open_form(desk, click, "Add many calls", upload_form), None),
    "file": (choose_campaign, None),
    "add_rows": (add_rows, None),
    "pause_rows": (pause_rows, None),
    "drop_rows": (drop_rows, None),
    "report": (report, None),
}
"""What follows "campaign:" -> its handler."""


def _update_form(choices: Choices, chosen: str, url: str) -> Block:
    return call_form(choices, chosen, url, update=True)


_BY_WORDS: Mapping[str, tuple[Any, str, Callable[[Choices, str, str], Block]]] = {
    "add": (_add, "Add a call", call_form),
    "update": (_update, "Change a call", _update_form),
    "remove": (_remove, "Remove a call", number_form),
    "upload": (None, "Add many calls", upload_form),
}
"""Word -> what it does with a number, and the form that asks for one."""
