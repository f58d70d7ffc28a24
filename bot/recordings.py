"""Recordings of finished calls: who may listen, the link that lets them, and fetching one.

A link names a call, a person and a moment a few minutes ahead, and is signed. Everything is checked again when it is
opened, and each time it is opened stands in the audit log.
"""

import asyncio
import base64
import hashlib
import hmac
import re
import secrets
import sqlite3
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import anyio
import msgspec

from bot.board import Board, unexpected
from bot.call import Call
from bot.cards.times import counted
from bot.errors import BadInput, CallboardError, NotAllowed, NotFound, Unavailable, Unsupported
from bot.events import State
from bot.store import calls, is_of_the_disk, ledger

LINK_SECONDS = 300
"""How long a link is good for."""
PATH = "/recordings/"
"""Where links point to, below the public address."""
_ROLES = ("rep", "manager", "admin")
_ENDINGS = {
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
    "audio/x-wav": "wav",
    "audio/wave": "wav",
    "audio/vnd.wave": "wav",
    "audio/mp4": "m4a",
    "audio/x-m4a": "m4a",
    "application/ogg": "ogg",
}
"""Media type -> the ending that people's programs know; all others end like their type."""


class Sound(msgspec.Struct, frozen=True):
    """A recording on our disk; whoever fetched it deletes it.

    Attributes:
        filename: for people, without anybody's number.
    """

    path: Path
    media_type: str
    filename: str

    async def delete(self) -> None:
        await anyio.Path(self.path).unlink(missing_ok=True)


class _Link(msgspec.Struct, frozen=True, array_like=True):
    call_id: str
    which: int
    user: str
    until: int


# Who may.


def may_listen(board: Board, user: str, call: Call) -> bool:
    """Whether that person's role lets them listen to this call: a rep's to their own, a manager's to all; nobody who is
    a guest by now, or has left."""
    settings, role = board.settings, board.settings.role(user)
    if board.turned_away(user) or _ROLES.index(role) < _ROLES.index(settings.recording.listen):
        return False
    return role != "rep" or call.rep == user


def is_left(board: Board, call: Call) -> bool:
    """Whether there is something to listen to: it was recorded, can be fetched, and its time is not over."""
    provider = board.providers.get(call.account)
    days = board.settings.recording.keep_days
    over = days and call.ended_at + days * 86400 <= board.now()
    fetchable = provider is not None and provider.can("fetch_recording")
    return call.state is State.ENDED and bool(call.recordings) and fetchable and not over


async def heard_by(board: Board, user: str, call_id: str) -> Call:
    """The call whose recording that person may hear.

    Raises:
        NotFound: no such call, not recorded, or its time is over.  NotAllowed: not theirs to hear.
        Unsupported: the service hands none out.
    """
    call = await board.read(calls.get, call_id)
    if call is None:
        raise NotFound("That call is not on record any more, so there is no recording of it.")
    # Before anything is told of it.
    if not may_listen(board, user, call):
        least = board.settings.recording.listen
        who = {"rep": "The rep on the call, and managers,", "manager": "Managers", "admin": "Admins"}[least]
        raise NotAllowed(f"{who} may listen to this recording. Ask one of them.")
    if not call.recordings:
        raise NotFound("This call was not recorded, or its phone service has not told of the recording yet.")
    provider = board.provider(call.account)
    if not provider.can("fetch_recording"):
        raise Unsupported(f"{provider.title} cannot hand out recordings. Listen to it at {provider.title} itself.")
    if call.state is not State.ENDED:
        raise NotFound("The call still runs. Its recording can be heard when it has ended.")
    if not is_left(board, call):
        days = board.settings.recording.keep_days
        raise NotFound(f"Recordings are kept for {counted(days, 'day')} here, and this one's time is over.")
    return call


# Links.


def link(board: Board, call: Call, which: int, user: str) -> str:
    """An address at which that person can listen for `LINK_SECONDS`. `which`: index in `call.recordings`.

    Raises:
        NotAllowed: Callboard has no address that people could open.
    """
    if not board.settings.public_url:
        raise NotAllowed(
            "Recordings are heard by a link, and Callboard has no address for one. Ask your admin to set "
            'CALLBOARD_PUBLIC_URL, or deliver = "file" in callboard.toml.'
        )
    body = msgspec.json.encode(_Link(call.id, which, user, int(board.now()) + LINK_SECONDS))
    return f"{board.settings.public_url}{PATH}{_text(body)}.{_text(_signature(board, body))}"


@dataclass
class Listening:
    """What is being listened to. A player asks for a sound in pieces: one copy serves a link as long as it is good."""

    board: Board
    _copies: dict[str, asyncio.Task[Sound]] = field(default_factory=dict)

    async def sound(self, token: str, *, from_start: bool) -> Sound:
        """The recording behind a link; written down each time it is fetched or played from its start.

        The copy is not the caller's to delete.

        Raises:
            BadInput: not a link of ours.  NotFound: too late.  Others: as `heard_by()` and `fetch()`.
        """
        board = self.board
        await self._forget()
        asked = _read(board, token)
        call = await board.read(calls.get, asked.call_id)
        number = call.number if call else ""
        try:
            call = await heard_by(board, asked.user, asked.call_id)
            if asked.which >= len(call.recordings):
                raise NotFound("This recording is not on record any more.")
            copy = self._copies.get(token)
            fresh = copy is None
            if copy is None:  # a player may ask for several pieces at once: they wait for the same copy
                copy = asyncio.create_task(fetch(board, call, call.recordings[asked.which]))
                self._copies[token] = copy
                copy.add_done_callback(lambda done: self._fetched(token, done))
            sound = await asyncio.shield(copy)
        except CallboardError as error:
            await _note(board, asked.user, "could not listen to recording", number, f"{asked.call_id}: {error}")
            raise
        if fresh or from_start:
            await _note(board, asked.user, "listened to recording", number, f"{asked.call_id} {asked.which + 1}")
        return sound

    def _fetched(self, token: str, copy: asyncio.Task[Sound]) -> None:
        if copy.cancelled() or copy.exception() is not None:  # the next one may try again
            del self._copies[token]

    async def _forget(self) -> None:
        """Copies whose link is not good any more; those that nobody asks for again are swept away."""
        for token, copy in list(self._copies.items()):
            try:
                _read(self.board, token)
            except CallboardError:
                if copy.done() and token in self._copies:
                    del self._copies[token]
                    await copy.result().delete()


async def _note(board: Board, user: str, what: str, number: str, detail: str) -> None:
    def write(db: sqlite3.Connection) -> None:
        ledger.audit(db, board.now(), user, what, number, detail)

    await board.write(write)


def _read(board: Board, token: str) -> _Link:
    body, _, signature = token.partition(".")
    found = None
    with suppress(ValueError, msgspec.MsgspecError):
        told = base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True)
        if hmac.compare_digest(_text(_signature(board, told)).encode(), signature.encode()):
            found = msgspec.json.decode(told, type=_Link)
    if found is None:
        raise BadInput("That is not a link to a recording. Press “Recording” on the call's card in Slack.")
    if found.until < board.now():
        raise NotFound("This link was good for some minutes only. Press “Recording” on the call's card for a new one.")
    return found


def _signature(board: Board, body: bytes) -> bytes:
    # Not with the hook secret, which the phone services know: whoever has it could make links.
    key = hashlib.sha256(b"recordings:" + board.settings.bot_token.encode()).digest()
    return hmac.new(key, body, hashlib.sha256).digest()


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


# Fetching.


async def fetch(board: Board, call: Call, recording: str) -> Sound:
    """A fresh copy from the phone service.

    Raises:
        Refused, Unavailable, Unsupported: as `Operations.fetch_recording`, or our disk cannot hold it; nothing is left.
    """
    folder = _folder(board)
    path = folder / secrets.token_hex(8)
    limit = board.settings.recording.max_megabytes * 1_000_000
    try:
        await anyio.Path(folder).mkdir(mode=0o700, parents=True, exist_ok=True)
        media_type = await board.provider(call.account).fetch_recording(recording, path, limit)
    except OSError as error:
        if is_of_the_disk(error):
            raise Unavailable(unexpected(error)) from error
        raise
    return Sound(path, media_type, filename(call, recording, media_type))


def filename(call: Call, recording: str, media_type: str) -> str:
    """ "call-20260202-0240-3fa9c1d0.mp3": when it began, in UTC, and its reference; nobody's name or number."""
    ending = _ENDINGS.get(media_type) or re.sub("[^a-z0-9]", "", media_type.partition("/")[2])[:8] or "bin"
    return f"call-{datetime.fromtimestamp(call.started_at, UTC):%Y%m%d-%H%M}-{reference(call, recording)}.{ending}"


def reference(call: Call, recording: str) -> str:
    """A short name of a recording that no other has in the same conversation, such as "3fa9c1d0"."""
    return call.id[-4:] + hashlib.blake2s(recording.encode(), digest_size=2).hexdigest()


async def sweep(board: Board) -> None:
    """Delete copies that a crash or a reader who went away left behind."""
    folder = anyio.Path(_folder(board))
    if not await folder.is_dir():
        return
    async for path in folder.iterdir():
        if (await path.stat()).st_mtime < datetime.now(UTC).timestamp() - LINK_SECONDS:
            await path.unlink(missing_ok=True)


def _folder(board: Board) -> Path:
    return board.settings.data / "recordings"
