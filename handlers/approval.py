"""Lists that wait for a second manager: *Approve* and *Refuse* below the request, and `/campaign approve`."""

from collections.abc import Callable, Mapping

from slack_bolt.async_app import AsyncApp

from bot import approval, batches, calling_lists, message_batches
from bot.cards import date_clock, plain
from bot.cards.calling_list import contacts
from bot.cards.forms import form, text_input
from bot.cards.notice import notice_card
from bot.errors import NotAllowed, NotFound
from bot.store import calling_lists as calling_lists_store
from bot.store import campaigns, messages
from bot.store.calling_lists import CallingList
from bot.store.campaigns import Batch
from bot.store.messages import Batch as MessageBatch
from handlers import Click, Desk, answer, on_actions, on_form, tell

_APPROVE = {"message": message_batches.approve, "campaign": batches.approve, "calllist": calling_lists.approve}
_REFUSE = {"message": message_batches.refuse, "campaign": batches.refuse, "calllist": calling_lists.refuse}
_GET: Mapping[str, Callable[..., Batch | MessageBatch | CallingList | None]] = {
    "message": messages.get,
    "campaign": campaigns.get,
    "calllist": calling_lists_store.get,
}
WHY = 500
"""Characters of a reason."""


def register(app: AsyncApp, desk: Desk) -> None:
    """All listeners of this feature."""
    on_actions(app, desk, "approval", {"yes": (approve, None), "no": (ask_why, None)})
    on_form(app, desk, "approval:refused", validate, refuse)


async def approve(desk: Desk, click: Click) -> None:
    """*Approve*: the list goes its way."""
    kind, _, list_id = click.value.partition(" ")
    await _APPROVE[kind](desk.board, click.user, list_id)
    await tell(desk, click, f"Approved; {await _then(desk, click.user, kind, list_id)}.")
    if kind == "campaign":
        await batches.run(desk.board, list_id)


async def _then(desk: Desk, user: str, kind: str, list_id: str) -> str:
    """What happens next, for whoever has approved it."""
    if kind != "message":
        return "the calls are being added" if kind == "campaign" else "the list is given out"
    batch = await desk.board.read(messages.get, list_id)
    if batch is None or batch.send_at <= desk.board.now():
        return "the messages are being sent"
    zone = await desk.board.read(desk.board.zone_of, user)
    return f"nobody is called before {date_clock(batch.send_at, zone)}"


async def ask_why(desk: Desk, click: Click) -> None:
    """*Refuse…*: whoever wanted it should know why. Who comes too late need not write it."""
    kind, _, list_id = click.value.partition(" ")
    found = await desk.board.read(_GET[kind], list_id)
    if found is None:
        raise NotFound("That list is not on record any more. Nothing was done.")
    approval.check(desk.board.settings, click.user, found.by)
    if found.state != "asked":
        raise NotAllowed(approval.DECIDED)
    why = text_input("why", "Why not?", {}, hint="Whoever sent the list is told.", length=WHY)
    view = form("Refuse this list", [why], "approval:refused", click.value, submit="Refuse")
    await desk.slack.views_open(trigger_id=click.trigger, view=view)


async def validate(desk: Desk, click: Click) -> Mapping[str, str]:
    """Blanks are no reason."""
    return {} if click.fields.get("why", "").strip() else {"why": "Say why, so that they know what to change."}


async def refuse(desk: Desk, click: Click) -> None:
    """The submitted form: nothing is sent."""
    kind, _, list_id = click.value.partition(" ")
    await _REFUSE[kind](desk.board, click.user, list_id, " ".join(click.fields["why"].split()))


async def waiting(desk: Desk, click: Click) -> None:
    """`/campaign approve`: what waits for a second manager, with the buttons for whoever may say yes."""
    board = desk.board
    if board.settings.role(click.user) == "rep":
        raise NotAllowed("Only managers approve lists, so there is nothing to show.")
    calls = [batch for batch in await board.read(campaigns.open_lists) if batch.state == "asked"]
    told = await board.read(messages.asked)
    given = await board.read(calling_lists_store.asked)
    lists = [
        (f"campaign {batch.id}", batch.by, f"calls for {plain(batch.name)}, from {plain(batch.source)}")
        for batch in calls
    ]
    lists += [(f"message {batch.id}", batch.by, f"a voice message to {count} recipients") for batch, count in told]
    lists += [
        (f"calllist {one.id}", one.by, f"the call list {plain(one.name)}, {contacts(count)}") for one, count in given
    ]
    if not lists:
        limit = board.settings.policy.approve_over
        rule = (
            f"Those that call more than {approval.so_many(limit)} do."
            if limit
            else "None has to: `approve_over` is not set."
        )
        await tell(desk, click, f"No list waits for a second manager. {rule}")
        return
    lines, buttons = [], []
    for number, (value, by, what) in enumerate(lists, 1):
        own = by == click.user
        lines.append(f"{number}. <@{by}>: {what}{' (yours: another manager has to say yes)' if own else ''}")
        if not own:
            about = f"list {number}"
            buttons += [
                {"label": f"Approve {number}", "action_id": f"approval:yes:{number}", "value": value, "about": about},
                {"label": f"Refuse {number}…", "action_id": f"approval:no:{number}", "value": value, "about": about},
            ]
    text = "\n".join(["*These wait for a second manager:*", *lines])
    await answer(desk, click, notice_card({"text": text, "buttons": buttons}))
