"""A call that the policy forbids: a manager says why and places it, anybody else asks them."""

from collections.abc import Mapping

import msgspec
from slack_bolt.async_app import AsyncApp

from bot import dialing, intents, waiving
from bot.cards import rep_words
from bot.cards.forms import form, text_input
from bot.intents import Ask
from handlers import Click, Desk, First, Handler, calls, does, on_actions, on_form, tell


class _Wanted(msgspec.Struct, frozen=True):
    """What the form is about. `url`: where it is answered, "" = in their conversation with us."""

    ask: Ask
    url: str = ""


_wanted = msgspec.json.Decoder(_Wanted)


def register(app: AsyncApp, desk: Desk) -> None:
    """All listeners of this feature."""
    buttons: dict[str, tuple[Handler, First | None]] = {
        "why": (ask_why, None),
        "yes": (does(waiving.allow), None),
        "no": (why_not, None),
        "call": (call_now, calls.write_button),
    }
    on_actions(app, desk, "waive", buttons)
    on_form(app, desk, "waive:said", validate, said)
    on_form(app, desk, "waive:refused", validate_refusal, refuse)


async def ask_why(desk: Desk, click: Click) -> None:
    """*Allow it…* and *Ask a manager…* below a refusal."""
    alone = desk.board.settings.role(click.user) != "rep"
    kept = (
        "It stays in the audit log."
        if alone
        else "Managers are asked with these words, and they stay in the audit log."
    )
    why = text_input("why", "Why this call, all the same?", {}, hint=kept, length=waiving.REASON)
    metadata = msgspec.json.encode(_Wanted(waiving.read(click.value), click.response_url)).decode()
    view = form("Call all the same", [why], "waive:said", metadata, submit="Call" if alone else "Ask")
    await desk.slack.views_open(trigger_id=click.trigger, view=view)


async def validate(desk: Desk, click: Click) -> Mapping[str, str]:
    """Blanks are no reason. What is called or asked is written down before the form closes."""
    if not click.fields.get("why", "").strip():
        return {"why": "Say why. Nothing was dialled."}
    if not await calls.write_intent(desk, click.trigger, click):
        alone = desk.board.settings.role(click.user) != "rep"
        return {"why": f"That form was sent before; {'nothing was dialled' if alone else 'nobody was asked'} again."}
    return {}


async def said(desk: Desk, click: Click) -> None:
    """The submitted form: a manager's call is placed, anybody else's is asked for."""
    wanted = _wanted.decode(click.value)
    click = msgspec.structs.replace(click, response_url=wanted.url)
    reason = " ".join(click.fields["why"].split())
    ask = intents.while_it_counts(msgspec.structs.replace(wanted.ask, rep=click.user, reason=reason), desk.board.now())
    if desk.board.settings.role(click.user) != "rep":
        ask = msgspec.structs.replace(ask, allowed_by=click.user, allowed_at=desk.board.now())
        await calls.dial(desk, click, click.trigger, ask)
        return
    try:
        asked = await waiving.ask(desk.board, click.trigger, ask)
    except Exception:
        await dialing.drop(desk.board, click.trigger)
        raise
    await tell(
        desk,
        click,
        f"Asked: {', '.join(map(rep_words, asked))}. As soon as somebody says yes, a button to call is in your "
        "conversation with Callboard.",
    )


async def why_not(desk: Desk, click: Click) -> None:
    """*Refuse…*: whoever wanted to call should know why. Who comes too late need not write it."""
    await waiving.check(desk.board, click.user, click.value)
    why = text_input("why", "Why not?", {}, hint="Whoever asked is told.", length=waiving.REASON)
    view = form("Refuse this call", [why], "waive:refused", click.value, submit="Refuse")
    await desk.slack.views_open(trigger_id=click.trigger, view=view)


async def validate_refusal(desk: Desk, click: Click) -> Mapping[str, str]:
    """Blanks are no reason."""
    return {} if click.fields.get("why", "").strip() else {"why": "Say why, so that they know."}


async def refuse(desk: Desk, click: Click) -> None:
    """The submitted form: the call is not placed."""
    await waiving.refuse(desk.board, click.user, click.value, " ".join(click.fields["why"].split()))


async def call_now(desk: Desk, click: Click) -> None:
    """*Call now* below a manager's yes. It stays until there is a call, so each press counts; the word does so once."""
    await calls.said_yes(desk, click, click.trigger)
