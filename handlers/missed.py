"""The buttons of the missed-caller card: claim, call back, snooze, close."""

import sqlite3
from collections.abc import Callable

from msgspec.structs import replace
from slack_bolt.async_app import AsyncApp

from bot import asking, claiming, dialing
from bot.cards.missed import seen, snooze_choice
from bot.cards.times import day_clock, moment
from bot.errors import NotAllowed, NotFound
from bot.store import ledger, missed, people
from bot.store.missed import Missed
from handlers import Click, Desk, on_actions
from handlers.calls import dial, write_button

_LOOK = "was not closed. Look at how it stands now; if it is dealt with all the same, press again."


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
    row = claiming.still_open(
        await desk.board.write(claiming.claim, desk.board, click.value, click.user, desk.board.now())
    )
    if row.claimed_by != click.user:
        raise NotAllowed(f"<@{row.claimed_by}> was faster and has claimed this caller. Nothing was changed.")


async def release(desk: Desk, click: Click) -> None:
    """Give a claim back; managers may release anybody's, but only the claim that they have seen."""
    board = desk.board
    missed_id, _, seen = click.value.partition("|")
    row = claiming.still_open(await board.read(missed.get, missed_id))
    if not row.claimed_by:
        raise NotFound("Nobody has claimed this caller any more. Nothing was changed.")
    if seen and seen != str(row.claimed_at):
        raise NotAllowed(f"<@{row.claimed_by}> has claimed this caller since. Nothing was changed.")
    owner = row.claimed_by if board.settings.role(click.user) != "rep" else click.user
    after = board.routing.escalate_after()
    escalate_at = board.now() + after if after else 0.0
    if not await _done(desk, click, row.id, "release", lambda db: missed.release(db, row.id, owner, escalate_at)):
        raise NotAllowed(f"<@{row.claimed_by}> has claimed this caller; only they or a manager can release it.")


async def call_back(desk: Desk, click: Click) -> None:
    """Dial, and claim with the call. Whoever presses calls, unless a colleague has claimed the caller.

    Who may not call them, or is asked first (it is night there, they are to be told of the recording, a manager has to
    allow it), has promised nobody anything yet: until the call is placed the caller is everybody's, so a question that
    is never answered keeps nobody from calling. Whoever says yes after a colleague was faster is told so.
    """
    board = desk.board
    try:
        row = claiming.to_be_called(await board.read(missed.get, click.value), click.user)
        if not row.number:
            raise NotFound("The number is withheld, so it cannot be called back. Close the card when it is dealt with.")
    except (NotFound, NotAllowed):
        await dialing.drop(board, click.trigger)
        raise
    line = asking.called_line(board, await board.read(people.person, click.user), row.line)
    ask = asking.returned(click.user, row.number, row.name, line, row.account)
    await dial(desk, click, click.trigger, replace(ask, missed=row.id))


async def snooze(desk: Desk, click: Click) -> None:
    """Let it rest for a while, "tomorrow" by the presser's own clock; then it is escalated like a new one."""
    missed_id, choice = snooze_choice(click.value)
    board = desk.board
    zone = await board.read(board.zone_of, click.user)
    until = moment(choice, board.now(), zone)
    if not await _done(desk, click, missed_id, "snooze", lambda db: missed.snooze(db, missed_id, click.user, until)):
        raise claiming.gone()


async def close(desk: Desk, click: Click) -> None:
    """Tick off without a call, as they stood before whoever presses; the card says who did."""
    now = desk.board.now()
    missed_id, _, shown = click.value.partition("|")
    zone = await desk.board.read(desk.board.zone_of, click.user)

    def tick_off(db: sqlite3.Connection) -> bool:
        row = missed.get(db, missed_id)
        if row is not None and row.open and shown and shown != seen(row):
            claimed, _, calls = shown.partition("/")
            if calls != str(row.calls):
                at = day_clock(row.last_at, now, zone)
                raise NotAllowed(f"They have called again since that was shown, at {at}, so this caller {_LOOK}")
            if row.claimed_by not in ("", click.user) and claimed != str(row.claimed_at):
                by = row.claimed_by
                raise NotAllowed(f"<@{by}> has claimed this caller since that was shown, so it {_LOOK}")
        return missed.close(db, missed_id, now=now, by=click.user, how="by hand")

    if not await _done(desk, click, missed_id, "close", tick_off):
        raise claiming.gone()


async def _done(
    desk: Desk, click: Click, missed_id: str, what: str, work: Callable[[sqlite3.Connection], bool]
) -> bool:
    """Do it, and write down who did; nothing is written down where there was nothing to do."""

    def do(db: sqlite3.Connection) -> bool:
        row, done = missed.get(db, missed_id), work(db)
        if done and row is not None:
            _audit(db, desk.board.now(), click.user, what, row)
        return done

    return await desk.board.write(do)


def _audit(db: sqlite3.Connection, now: float, user: str, what: str, row: Missed) -> None:
    ledger.audit(db, now, user, f"{what} missed caller", row.number or "withheld number", row.place)
