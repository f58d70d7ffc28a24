"""`/campaign`: campaigns that run at the phone service. Calls for them are in `campaign_calls.py`."""

import html

import msgspec
from slack_bolt.async_app import AsyncApp

from bot import campaigns, slack_text, who
from bot.board import Board
from bot.campaigns import Found
from bot.cards import plain
from bot.cards.campaign import (
    LISTED,
    Shown,
    list_message,
    members_message,
    one_message,
    pending_message,
    question_message,
    results_message,
)
from bot.cards.campaign_forms import ivr_form, member_form, strategy_form
from bot.cards.help import help_message
from bot.cards.times import counted
from bot.errors import BadInput, CallboardError, NotAllowed, NotFound, Unsupported
from bot.operations import operations
from bot.orders import IvrSettings, Strategy
from bot.store import campaigns as store
from bot.store import people
from handlers import Click, Desk, answer, approval, calling_lists, campaign_calls, on_actions, on_command, on_form, tell
from handlers.campaign_calls import open_form

_DONE = {"start": "runs now", "stop": "dials nobody any more", "clear": "has no waiting calls any more"}
_ALREADY = {"start": "running", "stop": "stopped"}


def register(app: AsyncApp, desk: Desk) -> None:
    """All listeners of this feature."""
    on_command(app, desk, "campaign", command)
    on_actions(
        app,
        desk,
        "campaign",
        {
            **dict.fromkeys(("start", "stop", "clear"), (switch, None)),
            "show": (show, None),
            "pending": (turn_page, None),
            "members": (members, None),
            "member_add": (open_member, None),
            "member_remove": (remove_member, None),
            "strategy": (open_strategy, None),
            "ivr": (open_ivr, None),
            "results": (results, None),
            **campaign_calls.BUTTONS,
        },
    )
    on_form(app, desk, "campaign:member_added", validate_member, add_member)
    on_form(app, desk, "campaign:strategy_set", validate_strategy, set_strategy)
    on_form(app, desk, "campaign:ivr_set", validate_ivr, set_ivr)
    campaign_calls.register(app, desk)


async def command(desk: Desk, click: Click) -> None:
    """`/campaign …`."""
    word, _, rest = html.unescape(slack_text.without_links(click.text)).partition(" ")
    word, rest = word.casefold(), rest.strip()
    if word in ("", "list", "via"):
        await list_all(desk, click, f"via {rest}" if word == "via" else rest)
    elif word == "help":
        await answer(desk, click, help_message("campaign", desk.board.settings.commands))
    elif word in ("start", "stop", "clear"):
        await ask(desk, click, word, rest)
    elif word in ("show", "pending", "results"):
        found = await only(desk, rest)
        look = {"show": show, "pending": turn_page, "results": results}[word]
        await look(desk, msgspec.structs.replace(click, value=found.value))
    elif word == "members":
        await members_by_words(desk, click, rest)
    elif word == "calllist":
        await calling_lists.by_words(desk, click, rest)
    elif word == "approve":
        await approval.waiting(desk, click)
    elif word == "strategy":
        await open_form(desk, click, "Strategy", strategy_form, rest)
    elif word == "ivr":
        await open_form(desk, click, "IVR campaign", ivr_form, rest)
    elif not await campaign_calls.by_words(desk, click, word, rest):
        raise BadInput(f"“{word}” is not something `/campaign` can do. Nothing was done; type `/campaign help`.")


async def only(desk: Desk, text: str) -> Found:
    """The campaign that `text` names, with nothing after its name."""
    found, rest = await campaigns.find(desk.board, text)
    if rest:
        raise BadInput(f"“{rest}” after “{found.campaign.name}” was not understood. Nothing was done.")
    return found


# Looking


def shown(board: Board, found: Found, user: str) -> Shown:
    """What the cards draw a campaign from."""
    several = len(campaigns.accounts(board)) > 1
    return Shown(
        found.campaign,
        found.value,
        f"{found.provider.title} ({found.account})" if several else "",
        frozenset(name for name in operations() if found.provider.can(name)),
        board.settings.role(user) != "rep",
    )


async def list_all(desk: Desk, click: Click, text: str) -> None:
    """`/campaign`: all of them."""
    rest, via = campaigns.without_via(text)
    if rest:
        raise BadInput(f"“{rest}” was not understood. Type `/campaign show {rest}` for one campaign.")
    found, wrong = await campaigns.listed(desk.board, via)
    found = [*await campaigns.details(found[:LISTED]), *found[LISTED:]]
    await answer(
        desk,
        click,
        list_message(
            [shown(desk.board, one, click.user) for one in found],
            [str(error) for error in wrong],
            desk.board.now(),
            await _zone(desk, click.user),
            command=desk.board.settings.commands["campaign"],
        ),
    )


async def show(desk: Desk, click: Click) -> None:
    """One campaign with everything that can be done to it."""
    (found,) = await campaigns.details([await campaigns.by_value(desk.board, click.value)])
    one = shown(desk.board, found, click.user)
    await answer(desk, click, one_message(one, desk.board.now(), await _zone(desk, click.user)))


async def turn_page(desk: Desk, click: Click) -> None:
    """Waiting calls; a button of the message itself turns its page in place."""
    value, _, page = click.value.rpartition(" ") if click.value.count(" ") > 1 else (click.value, "", "0")
    found = await campaigns.by_value(desk.board, value)
    _can(found, "campaign_calls")
    calls = await found.provider.campaign_calls(found.campaign.code)
    one = shown(desk.board, found, click.user)
    told = pending_message(one, calls, int(page), desk.board.now(), await _zone(desk, click.user))
    await answer(desk, click, told, replace=click.action.startswith("campaign:pending:"))


async def results(desk: Desk, click: Click) -> None:
    """What came of the calls that were added here."""
    found = await campaigns.by_value(desk.board, click.value)
    board, key, days = desk.board, campaigns.key(found.campaign), desk.board.settings.policy.abandoned_days
    added, outcomes = await board.read(store.results, found.account, key)
    abandoned = await board.read(store.abandoned, found.account, key, board.now() - days * 86400)
    one, zone = shown(board, found, click.user), await _zone(desk, click.user)
    await answer(desk, click, results_message(one, added, outcomes, board.now(), zone, abandoned=(*abandoned, days)))


async def _zone(desk: Desk, user: str) -> str:
    return await desk.board.read(desk.board.zone_of, user)


def _can(found: Found, operation: str) -> None:
    if not found.provider.can(operation):
        raise Unsupported(f"{found.provider.title} cannot {operations()[operation]}. Look on its own pages.")


# Start, stop, clear


async def ask(desk: Desk, click: Click, what: str, text: str) -> None:
    """The command asks; the button of its answer does it."""
    campaigns.check_manager(desk.board, click.user, f"{what} campaigns")
    found = await only(desk, text)
    _can(found, f"{what}_campaign")
    (found,) = await campaigns.details([found])
    _check_state(found, what)
    await answer(desk, click, question_message(shown(desk.board, found, click.user), what))


async def switch(desk: Desk, click: Click) -> None:
    """*Start*, *Stop*, *Clear*, after the question."""
    what = click.action.partition(":")[2]
    campaigns.check_manager(desk.board, click.user, f"{what} campaigns")
    carried = click.value.split(" ")
    found, seen = await campaigns.by_value(desk.board, " ".join(carried[:2])), carried[2:]
    _check_state(found, what)
    if seen and what != "stop":
        (found,) = await campaigns.details([found])
        _check_count(found, what, int(seen[0]))
    await campaigns.change(desk.board, click.user, found, f"{what}_campaign")
    await tell(desk, click, f"{plain(found.campaign.name)} {_DONE[what]}.")


def _check_state(found: Found, what: str) -> None:
    if found.campaign.state == _ALREADY.get(what):
        raise NotAllowed(f"{found.campaign.name} is {found.campaign.state} already. Nothing was done.")


def _check_count(found: Found, what: str, seen: int) -> None:
    """Who says yes to a few says it to no more of them that have come since."""
    count, name = found.campaign.pending, found.campaign.name
    if count is not None and count > seen:
        raise NotAllowed(
            f"{counted(count, 'call')} wait in {name} by now, and {seen:,} when you were asked, so nothing was done. "
            f"Type `/campaign {what} {name}` to be asked anew."
        )


# Members


async def members_by_words(desk: Desk, click: Click, text: str) -> None:
    """`/campaign members NAME [add|remove WHO]`."""
    found, rest = await campaigns.find(desk.board, text)
    word, _, whom = rest.partition(" ")
    match word.casefold():
        case "":
            await members(desk, msgspec.structs.replace(click, value=found.value))
        case "add":
            await _let_in(desk, click, found, await _code(desk, found, whom))
        case "remove":
            await _let_go(desk, click, found, await _code(desk, found, whom))
        case _:
            raise BadInput(f"“{rest}” was not understood: write `add @sam` or `remove 201` there. Nothing was done.")


async def members(desk: Desk, click: Click) -> None:
    """Who takes its calls."""
    found = await campaigns.by_value(desk.board, click.value)
    _can(found, "campaign_members")
    listed = await found.provider.campaign_members(found.campaign.code)
    users = await desk.board.read(people.of_extensions, found.account, tuple(one.code for one in listed))
    await answer(desk, click, members_message(shown(desk.board, found, click.user), listed, users))


async def open_member(desk: Desk, click: Click) -> None:
    """*Add a member…*"""
    await open_form(desk, click, "Add a member", member_form)


async def validate_member(desk: Desk, click: Click) -> dict[str, str]:
    """One of the two, and they must have an extension."""
    colleague, extension = click.fields.get("colleague", ""), click.fields.get("extension", "")
    if bool(colleague) == bool(extension):
        return {"extension": "Choose a colleague or write an extension: one of the two."}
    try:
        if colleague:
            extension = await _extension_of(desk, click.fields["campaign"].partition(" ")[0], colleague)
        campaigns.check_extension(desk.board, extension)
    except CallboardError as error:
        return {"extension": desk.board.settings.renamed(str(error))}
    return {}


async def add_member(desk: Desk, click: Click) -> None:
    """The submitted form."""
    found, click = await campaign_calls.submitted(desk, click)
    colleague = click.fields.get("colleague", "")
    code = await _extension_of(desk, found.account, colleague) if colleague else click.fields["extension"]
    await _let_in(desk, click, found, code)


async def remove_member(desk: Desk, click: Click) -> None:
    """*Remove*, after the question."""
    value, _, code = click.value.rpartition(" ")
    await _let_go(desk, click, await campaigns.by_value(desk.board, value), code)


async def _let_in(desk: Desk, click: Click, found: Found, code: str) -> None:
    campaigns.check_extension(desk.board, code)
    count = await campaigns.change(desk.board, click.user, found, "add_campaign_member", code, detail=code)
    taken = "takes its calls now" if count else "was in it already; nothing was changed"
    await tell(desk, click, f"{plain(found.campaign.name)}: extension {plain(code)} {taken}.")


async def _let_go(desk: Desk, click: Click, found: Found, code: str) -> None:
    count = await campaigns.change(desk.board, click.user, found, "remove_campaign_member", code, detail=code)
    gone = "takes no more of its calls" if count else "was not in it; nothing was changed"
    await tell(desk, click, f"{plain(found.campaign.name)}: extension {plain(code)} {gone}.")


async def _code(desk: Desk, found: Found, text: str) -> str:
    """The extension that somebody named: "@sam", "201", "ext 201", or the service's own code."""
    nobody = "Say who: `@sam`, or an extension like `201`. Nothing was done."
    try:
        named = who.parse(text, desk.board.settings.region).who
    except BadInput as error:
        raise BadInput(nobody) from error
    match named:
        case who.Mention(user):
            return await _extension_of(desk, found.account, user)
        case who.Extension(digits):
            return digits
        case who.Name(name) if " " not in name:
            return name
        case _:
            raise BadInput(nobody)


async def _extension_of(desk: Desk, account: str, user: str) -> str:
    person = await desk.board.read(people.person, user)
    code = person.phone if person.phone_kind == "extension" else person.extension
    if not code or person.account not in ("", account):
        raise NotFound(
            f"<@{user}> has not linked an extension of {account}, so nothing was done. "
            "Ask them to type `/phone link extension 201`, or write the extension yourself."
        )
    return code


# Settings


async def open_strategy(desk: Desk, click: Click) -> None:
    """*Strategy…*"""
    await open_form(desk, click, "Strategy", strategy_form)


async def validate_strategy(desk: Desk, click: Click) -> dict[str, str]:
    """Numbers, and at least one."""
    try:
        chosen = _strategy(click)
    except BadInput as error:
        field, _, words = str(error).partition(" ")
        return {field: words}
    return {} if chosen != Strategy() else {"ratio": "Fill in at least one of the three."}


async def set_strategy(desk: Desk, click: Click) -> None:
    """The submitted form."""
    filled = ", ".join(f"{name} {value}" for name, value in click.fields.items() if name != "campaign" and value)
    chosen = _strategy(click)
    words = "The strategy of {} is set."
    if (chosen.calls_per_member or 0) > 1:
        words += (
            " With more than one call for each free member some people answer and nobody is there. In the USA and in "
            "the UK 3 of 100 may be, and how many they are the service counts, not Callboard."
        )
    await _set(desk, click, "set_campaign_strategy", chosen, filled, words)


def _strategy(click: Click) -> Strategy:
    queue, waiting = _whole(click, "queue"), _whole(click, "waiting")
    text = click.fields.get("ratio", "").replace(",", ".")
    try:
        ratio = float(text) if text else None
    except ValueError:
        ratio = -1.0
    if ratio is not None and not 0 < ratio < 1000:
        raise BadInput("ratio Write a number above 0, like 1 or 1.5.")
    return Strategy(monitored_queue=queue, most_waiting=waiting, calls_per_member=ratio)


def _whole(click: Click, name: str) -> int | None:
    text = click.fields.get(name, "")
    if text and not text.isdecimal():
        raise BadInput(f"{name} Write a whole number.")
    return int(text) if text else None


async def _set(
    desk: Desk, click: Click, operation: str, chosen: Strategy | IvrSettings, filled: str, words: str
) -> None:
    """`filled`: for the audit log.  `words`: what is told, with {} for the campaign's name."""
    found, click = await campaign_calls.submitted(desk, click)
    await campaigns.change(desk.board, click.user, found, operation, chosen, detail=filled)
    await tell(desk, click, words.format(plain(found.campaign.name)))


async def open_ivr(desk: Desk, click: Click) -> None:
    """*IVR…*"""
    await open_form(desk, click, "IVR campaign", ivr_form)


async def validate_ivr(desk: Desk, click: Click) -> dict[str, str]:
    """A number or extensions."""
    try:
        chosen = _ivr(click)
    except BadInput as error:
        return {"most": str(error).partition(" ")[2]}
    try:
        for code in chosen.representatives:
            campaigns.check_extension(desk.board, code)
    except BadInput as error:
        return {"people": str(error)}
    return {} if chosen != IvrSettings() else {"most": "Fill in at least one of the two."}


async def set_ivr(desk: Desk, click: Click) -> None:
    """The submitted form."""
    chosen = _ivr(click)
    filled = f"calls {chosen.most_calls}, representatives {', '.join(chosen.representatives)}"
    await _set(desk, click, "configure_ivr_campaign", chosen, filled, "The IVR settings of {} are set.")


def _ivr(click: Click) -> IvrSettings:
    people_text = click.fields.get("people", "").replace(",", " ").split()
    return IvrSettings(most_calls=_whole(click, "most"), representatives=tuple(people_text))
