"""Recordings into Slack and out of it again: each file once, whatever crashes; everything gone when its time is over.

What is due is a row of `bot/store/recordings.py`. A file's id is on disk before Slack is asked to show it, so that an
interrupted delivery is looked for in its conversation, by that id and by a reference in its words, and sent again only
when it is not there. Whoever sees the conversation can listen, so a file goes only to a person who may, into their own
conversation with Callboard, below the call's card where they have one.
"""

import asyncio
import sqlite3
from dataclasses import dataclass, field

import anyio

from bot import recordings, uploading
from bot.board import Board, unexpected
from bot.call import Call
from bot.cards.recording import comment, title
from bot.errors import Ambiguous, CallboardError
from bot.store import calls, cards, ledger, lookups, messages
from bot.store import recordings as rows
from bot.store.recordings import Copy

WAITS = (15.0, 60.0, 300.0, 900.0, 3600.0, 4 * 3600.0)
"""Seconds between attempts; after the last one it is given up, and the person is told."""
LOOK_SECONDS = 5.0
"""How long after an interrupted delivery its file is looked for the first time, and again."""
SCAN_SECONDS = 90.0
"""After so long Slack has scanned and shown a file that it was asked to show."""
CARD_SECONDS = 3.0
"""How long to wait for a card that is about to be posted."""
DELETE_AGAIN_SECONDS = 3600.0


class _Moved(Exception):
    """The call was found to be another one, or was forgotten, while its file was fetched."""


@dataclass
class Deliveries:
    """Brings what is due. `deliver()` and `expire()` are called now and then, and one at a time."""

    board: Board
    slack: uploading.Client
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def deliver(self) -> None:
        """Every file that is due, and whether interrupted ones are shown."""
        async with self._turn:
            for copy in await self.board.read(rows.due, self.board.now()):
                await self._bring(copy)

    async def expire(self) -> None:
        """Delete what is older than `keep_days`, in Slack and here, and say so in the audit log, once each."""
        await recordings.sweep(self.board)
        days = self.board.settings.recording.keep_days
        if not days:
            return
        now = self.board.now()
        async with self._turn:
            for copy in await self.board.read(rows.outdated, now - days * 86400, now):
                await self._delete(copy)

    async def _bring(self, copy: Copy) -> None:
        board, now = self.board, self.board.now()
        call = await board.read(calls.get, copy.call_id)
        if call is None or (copy.state == "wanted" and not gets_file(board, call, copy.place)):
            await board.write(rows.keep, copy)
            return
        try:
            await (self._send if copy.state == "wanted" else self._look)(copy, call)
        except _Moved:
            return  # its row, if there is one, is due all the same
        except uploading.Limited as limit:
            await board.write(rows.later, copy, now + limit.seconds, failed=False)
        except Ambiguous:
            await board.write(rows.later, copy, now + LOOK_SECONDS, failed=False)
        except CallboardError as error:
            await self._failed(copy, call, str(error))
        except Exception as error:  # a bug of ours with this one must not stop the others
            await self._failed(copy, call, unexpected(error))

    async def _failed(self, copy: Copy, call: Call, error: str) -> None:
        now = self.board.now()
        if copy.attempts < len(WAITS):
            await self.board.write(rows.later, copy, now + WAITS[copy.attempts])
            return
        words = f"{title(call, await self._name(call))} could not be brought here. {error}"

        def give_up(db: sqlite3.Connection) -> None:
            rows.give_up(db, copy)
            ledger.audit(db, now, "", "recording not delivered", call.number, f"{call.id} to {copy.place}: {error}")

        await self.board.write(give_up)
        await self.board.tell(copy.place[1:], words, f"recording:{call.id}:{copy.recording}:{now}")

    async def _send(self, copy: Copy, call: Call) -> None:
        """Fetch it and show it, below the card where there is one."""
        board = self.board
        card = await board.read(_card_of, call)
        if card is not None and card.place == copy.place and not card.ts and await board.read(cards.is_dirty, card.id):
            await board.write(rows.later, copy, board.now() + CARD_SECONDS, failed=False)
            return
        above = card if card is not None and card.place == copy.place and card.ts else None
        channel = above.channel if above else await uploading.conversation(self.slack, copy.place[1:])
        thread_ts = above.ts if above else ""
        sound = await recordings.fetch(board, call, copy.recording)
        try:
            content = await anyio.Path(sound.path).read_bytes()
        finally:
            await sound.delete()

        async def note(file: str) -> None:
            if not await board.write(rows.sharing, copy, file, channel, thread_ts, board.now()):
                raise _Moved

        name = await self._name(call)
        words = comment(call, name, recordings.reference(call, copy.recording))
        await uploading.upload(
            self.slack,
            channel,
            thread_ts,
            sound.filename,
            content,
            title(call, name),
            comment=words,
            before_sharing=note,
        )
        await self._shared(copy, call)

    async def _look(self, copy: Copy, call: Call) -> None:
        """Whether Slack shows the file of an interrupted delivery; where it certainly does not, it is asked again."""
        board, now = self.board, self.board.now()
        where = (self.slack, copy.channel, copy.thread_ts, copy.file)
        reference = recordings.reference(call, copy.recording)
        if await uploading.is_shown(*where, copy.sent_at, mark=f" {reference} "):
            await self._shared(copy, call)
        elif now - copy.sent_at < SCAN_SECONDS:
            await board.write(rows.later, copy, now + LOOK_SECONDS, failed=False)
        elif not gets_file(board, call, copy.place):  # any more: Slack has it, but nobody sees it
            await board.write(rows.keep, copy)
        else:
            name = await self._name(call)
            if not await board.write(rows.sharing, copy, copy.file, copy.channel, copy.thread_ts, now):
                return  # moved, or forgotten, meanwhile
            if await uploading.share_again(*where, title(call, name), comment(call, name, reference)):
                await self._shared(copy, call)
            else:
                await board.write(rows.anew, copy, now)

    async def _shared(self, copy: Copy, call: Call) -> None:
        def note(db: sqlite3.Connection) -> None:
            if rows.shared(db, copy):
                ledger.audit(db, self.board.now(), "", "recording delivered", call.number, f"{call.id} to {copy.place}")

        await self.board.write(note)

    async def _delete(self, copy: Copy) -> None:
        board, now = self.board, self.board.now()
        if copy.file:
            try:
                await uploading.delete(self.slack, copy.file)
            except CallboardError as error:
                await board.write(rows.later, copy, now + DELETE_AGAIN_SECONDS, failed=False)
                await board.problem("recordings", f"A recording whose time is over is still in Slack. {error}")
                return
            await board.solved("recordings")
        call = await board.read(calls.get, copy.call_id)
        what = "file in Slack and link" if copy.file else "link"

        def note(db: sqlite3.Connection) -> None:
            if rows.deleted(db, copy):
                number = call.number if call else ""
                ledger.audit(db, now, "", "recording deleted", number, f"{copy.call_id} {what} {copy.place}".strip())
                cards.touch(db, copy.call_id)  # its button goes, too
                messages.show(db, copy.call_id)

        await board.write(note)

    async def _name(self, call: Call) -> str:
        contact = await self.board.read(lookups.known, call.number) if call.number else None
        return contact.name if contact else ""


def _card_of(db: sqlite3.Connection, call: Call) -> cards.Card | None:
    """The card that shows it to whoever called: a batch of voice messages has one for all."""
    if call.purpose == "message":
        return cards.find(db, messages.CARD, messages.of_call(db, call.id))
    return cards.find(db, "call", call.id)


def gets_file(board: Board, call: Call, place: str) -> bool:
    """Whether a recording goes to that person as a file: they alone see their conversation, and they may listen."""
    wanted = board.settings.recording.deliver == "file" and place.startswith("@")
    return wanted and recordings.is_left(board, call) and recordings.may_listen(board, place[1:], call)
