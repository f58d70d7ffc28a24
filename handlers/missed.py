"""The buttons of the missed-caller card: claim, call back, snooze, close."""

from slack_bolt.async_app import AsyncApp

from bot import asking, dialing
from bot.cards.missed import snooze_choice
from bot.cards.times import moment
from bot.errors import NotAllowed, NotFound
from bot.store import ledger, missed
from bot.store.missed import Missed
from handlers import Click, Desk, on_actions
from handlers.calls import dial, write_button


def register(app: AsyncApp, desk: Desk) -> None:
    """All listeners of this feature."""
    on_actions(
        app,
        desk,
        "missed",
        {
            "claim": (claim, None),
            "release": (release, None),
            "call_back": (call_back, write_button),
            "snooze": (snooze, None),
            "close": (close, None),
        },
    )


async def claim(desk: Desk, click: Click) -> None:
    """*I'll take it*: the first wins, and everybody sees who."""
    row = await desk.board.write(missed.claim, click.value, click.user, desk.board.now())
    _check_open(row)
    if row is not None and row.claimed_by != click.user:
        raise NotAllowed(f"<@{row.claimed_by}> was faster and has claimed this caller. Nothing was changed.")


async def release(desk: Desk, click: Click) -> None:
    """Give a claim back; managers may release anybody's."""
    board = desk.board
    row = _check_open(await board.read(missed.get, click.value))
    owner = row.claimed_by if board.settings.role(click.user) != "rep" else click.user
    after = board.routing.escalate_after()
    if not await board.write(missed.release, row.id, owner, board.now() + after if after else 0.0):
        raise NotAllowed(f"<@{row.claimed_by}> has claimed this caller; only they or a manager can release it.")


async def call_back(desk: Desk, click: Click) -> None:
    """Claim and dial. Whoever presses calls, unless a colleague claimed it first."""
    board = desk.board
    row = await board.write(missed.claim, click.value, click.user, board.now())
    try:
        row = _check_open(row)
        if row.claimed_by != click.user:
            raise NotAllowed(f"<@{row.claimed_by}> has claimed this caller, so nothing was dialled. Ask them first.")
        if not row.number:
            raise NotFound("The number is withheld, so it cannot be called back. Close the card when it is dealt with.")
    except (NotFound, NotAllowed):
        await dialing.drop(board, click.trigger)
        raise
    line = row.line if board.settings.line(row.line) else ""
    await dial(desk, click, click.trigger, asking.again(click.user, row.number, row.name, line))


async def snooze(desk: Desk, click: Click) -> None:
    """Let it rest for a while; then it is escalated like a new one."""
    missed_id, choice = snooze_choice(click.value)
    board = desk.board
    until = moment(choice, board.now(), board.settings.zone)
    if not await board.write(missed.snooze, missed_id, click.user, until):
        raise _gone()


async def close(desk: Desk, click: Click) -> None:
    """Tick off without a call; the card says who did."""
    board = desk.board
    if not await board.write(missed.close, click.value, now=board.now(), by=click.user, how="by hand"):
        raise _gone()
    await board.write(ledger.audit, board.now(), click.user, "close missed caller", click.value)


def _check_open(row: Missed | None) -> Missed:
    if row is None or not row.open:
        raise _gone()
    return row


def _gone() -> NotFound:
    return NotFound("This missed caller is closed already. Nothing was changed.")
