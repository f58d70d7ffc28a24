"""A call list as a rep has it: the buttons of the contact before them."""

from slack_bolt.async_app import AsyncApp

from bot import auto_dial, dialing, offers, unclear
from bot.call import Call
from bot.cards import who
from bot.cards.offer import CHOOSE, Press, later_form, press, question_message
from bot.cards.times import moment
from bot.errors import BadInput, NeedsYes, NotFound
from bot.store import offers as store
from bot.store import people
from handlers import Click, Desk, answer, does, on_actions, on_form, tell
from handlers.after_call import validate_remind, when_chosen
from handlers.calls import write_intent


def register(app: AsyncApp, desk: Desk) -> None:
    """All listeners of this feature."""
    on_actions(
        app,
        desk,
        "offer",
        {
            "call": (call, write_press),
            "yes": (call, write_press),
            "skip": (skip, None),
            "later": (later, None),
            "next": (onward, None),
            "pause": (does(offers.pause), None),
            "go_on": (does(offers.go_on), None),
            "show": (does(offers.bring_down), None),
            "auto": (auto, None),
            "auto_stop": (does(auto_dial.stop), None),
        },
    )
    on_form(app, desk, "offer:put_off", validate_remind, put_off)


async def write_press(desk: Desk, click: Click) -> bool:
    """A contact is called once for each time it is put before somebody, however often that is pressed or delivered."""
    return await write_intent(desk, _key(click), click)


def _key(click: Click) -> str:
    try:
        return offers.key(click.user, press(click.value)[0])
    except BadInput:
        return click.trigger


async def call(desk: Desk, click: Click) -> None:
    """*Call*, and *Call now* after the question."""
    try:
        pressed, _ = press(click.value)
    except BadInput:
        await dialing.drop(desk.board, click.trigger)
        raise

    async def written(placed: Call) -> None:
        party = who(placed.number, placed.name)
        await tell(desk, click, f"Ringing your phone to call {party}. Its card is below the list's.")

    try:
        placed = await offers.call(desk.board, click.user, pressed, written)
    except NeedsYes as question:
        fresh = await desk.board.read(store.held, pressed.list, click.user)
        if fresh is not None and fresh.line == pressed.line:
            yes = Press(fresh.list, fresh.line, fresh.offer, confirmed=True)
            await answer(desk, click, question_message(str(question), yes, fresh.name or fresh.number))
        else:
            gone = "That contact may not be called any more, so nothing was dialled. The list's card says who is next."
            await tell(desk, click, gone)
        return
    if placed.words:
        await tell(desk, click, unclear.words(placed))


async def skip(desk: Desk, click: Click) -> None:
    """*Skip*."""
    await offers.skip(desk.board, click.user, press(click.value)[0])


async def later(desk: Desk, click: Click) -> None:
    """The menu *Later*: a time, or the form for another one."""
    pressed, choice = press(click.value)
    if choice == CHOOSE:
        row = await desk.board.read(store.get, pressed.list, pressed.line)
        if row is None:
            raise NotFound("That contact is not on record any more. Nothing was done.")
        await desk.slack.views_open(trigger_id=click.trigger, view=later_form(row, pressed.value))
        return
    person = await desk.board.read(people.person, click.user)
    due_at = moment(choice, desk.board.now(), person.zone or desk.board.settings.zone)
    await tell(desk, click, await offers.put_off(desk.board, click.user, pressed, due_at))


async def put_off(desk: Desk, click: Click) -> None:
    """The form *Call later* of a contact."""
    pressed, _ = press(click.value)
    await tell(desk, click, await offers.put_off(desk.board, click.user, pressed, await when_chosen(desk, click)))


async def onward(desk: Desk, click: Click) -> None:
    """*Next contact*."""
    await offers.onward(desk.board, click.user, press(click.value)[0])


async def auto(desk: Desk, click: Click) -> None:
    """The menu *Auto-dial*: with so many seconds between calls."""
    list_id, _, rest = click.value.partition("|")
    if not rest.isdecimal():
        raise BadInput("That menu is not one of a call list any more. Nothing was done; type `/call next`.")
    await auto_dial.start(desk.board, click.user, list_id, int(rest))
