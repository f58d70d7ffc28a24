"""A file that is taken out of Callboard: into Slack, and into the audit log as what became of it."""

import sqlite3

from bot.errors import NotAllowed, Unavailable
from bot.store import cards, ledger
from bot.uploading import NoThread, upload
from handlers import Desk


async def export(
    desk: Desk,
    channel: str,
    thread_ts: str,
    filename: str,
    content: bytes,
    title: str,
    *,
    by: str,
    what: str,
    subject: str,
    detail: str,
    comment: str = "",
) -> None:
    """Show a file in a conversation. It is in the audit log before anybody can see it, or a crash would leave one there
    that no line tells of; where Slack then does not show it, the next line says so.

    Args:
        channel, thread_ts, filename, content, title, comment: as `upload()`.
        by, what, subject, detail: of the audit log's line, as `ledger.audit()`; the file's id is put to the details.

    Raises:
        NotAllowed, Unavailable, Ambiguous: as `upload()`.
    """
    noted = ""

    async def note(file: str) -> None:
        nonlocal noted
        noted = f"{detail}, {file}"
        await desk.board.write(ledger.audit, desk.board.now(), by, what, subject, noted)

    try:
        await upload(desk.slack, channel, thread_ts, filename, content, title, comment=comment, before_sharing=note)
    except (NotAllowed, Unavailable) as error:
        if isinstance(error, NoThread):
            await desk.board.write(_show_anew, channel, thread_ts)
        if noted:
            failed = f"{noted} not done: {error}"
            await desk.board.write(ledger.audit, desk.board.now(), by, what, subject, failed)
        raise


def _show_anew(db: sqlite3.Connection, channel: str, ts: str) -> None:
    """Somebody deleted the card, and its button with it."""
    if card := cards.by_message(db, channel, ts):
        cards.look_again(db, card)
