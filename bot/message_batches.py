"""What people do to a batch of voice messages: send it, approve or refuse it, pause, resume and stop it."""

import sqlite3

from bot import approval
from bot.board import Board, notice
from bot.cards import rep_words
from bot.cards.said import how_words, what_words
from bot.errors import NotAllowed, NotFound
from bot.message_queue import kick, read_said
from bot.messaging import LONGEST_TEXT, check_size, so_many
from bot.store import cards, ledger, messages
from bot.store.messages import Batch


async def confirm(board: Board, batch_id: str, user: str) -> None:
    """*Send*: a draft is sent, each to its hour. Where that calls many, a second manager is asked first.

    Raises:
        NotAllowed: it is not theirs, or was decided before, or nobody else could say yes, or only managers may send to
            so many, and they are none (any more).
    """
    batch = await _own(board, batch_id, user)

    def start(db: sqlite3.Connection) -> bool:
        count = messages.unsent(db, batch.id)
        if count:  # else it was decided before
            check_size(board, user, count)
        hold = approval.needed(board.settings, count)
        if hold:
            approval.check_anybody(board.settings, batch.by)
        if not messages.move(db, batch.id, "draft", "asked" if hold else "running"):
            return False
        told = f"sent, {count} recipients, waits for approval" if hold else "sent"
        ledger.audit(db, board.now(), user, "voice messages", told, f"{batch.account} {batch.id}")
        if hold:
            wish = _wish(db, board, batch, count)
            approval.ask(db, board, "message", batch.id, batch.by, wish, batch.send_at)
        return True

    if not await board.write(start):
        raise NotAllowed(f"{approval.DECIDED} Look at its card.")
    kick(board)


def _wish(db: sqlite3.Connection, board: Board, batch: Batch, count: int) -> str:
    waiting = [row for row, _ in messages.results(db, batch.id) if row.state == "waiting"]
    whom = approval.some([(row.number, row.name) for row in waiting], count)
    said = read_said(batch.body)
    what = what_words(said, LONGEST_TEXT)  # nobody approves what they were not shown
    how = "".join(f"; {words}" for words in how_words(said))
    return f"send a voice message to {so_many(count)} via {board.title(batch.account)}: {what}{how}.\nTo {whom}."


async def approve(board: Board, user: str, batch_id: str) -> None:
    """A second manager says yes: it is sent, each to its hour.

    Raises:
        NotAllowed: it is their own, they are no manager, or somebody was faster.  NotFound: it is gone.
    """
    batch = await _get(board, batch_id)

    def start(db: sqlite3.Connection) -> bool:
        if not messages.move(db, batch.id, "asked", "running"):
            return False
        count = messages.unsent(db, batch.id)
        ledger.audit(db, board.now(), user, "approve voice messages", so_many(count), f"{batch.account} {batch.id}")
        told = f"<@{user}> approved <@{batch.by}>'s voice message to {so_many(count)}."
        approval.close(db, board, batch.id, f"{told} Each is called in their own hours.")
        return True

    await approval.decide(board, user, batch.by, start)
    kick(board)


async def refuse(board: Board, user: str, batch_id: str, why: str) -> None:
    """A second manager says no: nobody is called, and whoever wanted it is told why.

    Raises:
        NotAllowed: it is their own, they are no manager, or somebody was faster.  NotFound: it is gone.
    """
    batch = await _get(board, batch_id)

    def end(db: sqlite3.Connection) -> bool:
        found = messages.get(db, batch.id)
        if found is None or found.state != "asked":
            return False
        count = messages.end(db, batch.id, user)
        detail = f"{batch.account} {batch.id}: {why}"
        ledger.audit(db, board.now(), user, "refuse voice messages", so_many(count), detail)
        approval.close(db, board, batch.id, f"<@{user}> refused <@{batch.by}>'s voice message: {why}")
        told = f"<@{user}> did not approve your voice message to {so_many(count)}, so nobody was called: {why}"
        cards.mark(db, "notice", f"refused:{batch.id}", f"@{batch.by}", board.now(), notice(told))
        return True

    await approval.decide(board, user, batch.by, end)


async def pause(board: Board, user: str, batch_id: str) -> None:
    """*Pause*: nobody more is called until somebody resumes it. A call that runs goes on.

    Raises:
        NotAllowed: it is somebody else's.  NotFound: it is gone, or does not send (any more).
    """
    await _move(board, user, batch_id, "running", "paused")


async def resume(board: Board, user: str, batch_id: str) -> None:
    """*Resume*: whoever waits is called, each in their own hours. Raises as `pause()` and `confirm()`."""
    await _move(board, user, batch_id, "paused", "running")
    kick(board)


async def _move(board: Board, user: str, batch_id: str, before: str, after: str) -> None:
    batch = await _own(board, batch_id, user)
    what = {"paused": "pause voice messages", "running": "resume voice messages"}[after]

    def write(db: sqlite3.Connection) -> bool:
        waiting = messages.unsent(db, batch.id)
        if waiting and after == "running":
            check_size(board, user, waiting)
        if not waiting or not messages.move(db, batch.id, before, after):
            return False
        ledger.audit(db, board.now(), user, what, f"{waiting} unsent", f"{batch.account} {batch.id}")
        return True

    if not await board.write(write):
        raise NotFound("That voice message has gone on meanwhile, so nothing was done. Look at its card.")


async def stop(board: Board, batch_id: str, user: str) -> int:
    """*Stop*, *Discard* or *Cancel*: nobody more is called. Returns how many had been waiting."""
    batch = await _own(board, batch_id, user)

    def end(db: sqlite3.Connection) -> int:
        found = messages.get(db, batch.id)
        if found is not None and found.state == "asked":
            approval.close(db, board, batch.id, f"{rep_words(user)} took the voice message back; nobody was called.")
        count = messages.end(db, batch.id, user)
        ledger.audit(db, board.now(), user, "stop voice messages", f"{count} unsent", f"{batch.account} {batch.id}")
        return count

    return await board.write(end)


def withdraw(db: sqlite3.Connection, board: Board, batch_id: str) -> bool:
    """Nobody has said yes or no to a draft for long, so we discard it. False: somebody has, after all."""
    found = messages.get(db, batch_id)
    if found is None or found.state not in ("draft", "asked"):
        return False
    if found.state == "asked":
        approval.close(db, board, batch_id, "Nobody said yes or no in time, so the voice message was discarded.")
    count = messages.end(db, batch_id, "")
    ledger.audit(db, board.now(), "", "discard voice messages", f"{count} unsent", f"{found.account} {batch_id}")
    return True


async def _get(board: Board, batch_id: str) -> Batch:
    batch = await board.read(messages.get, batch_id)
    if batch is None:
        raise NotFound("That voice message is not on record any more. Nothing was done.")
    return batch


async def _own(board: Board, batch_id: str, user: str) -> Batch:
    batch = await _get(board, batch_id)
    if batch.by != user and board.settings.role(user) == "rep":
        raise NotAllowed("Only whoever sends it, or a manager, can do that. Nothing was done.")
    return batch
