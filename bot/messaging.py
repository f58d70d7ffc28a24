"""Voice messages: what is sent to whom, and when. A batch is written down whole before anything is sent.

From then on it is the queue's (`bot/message_queue.py`).
"""

import logging
import sqlite3
from collections.abc import Callable
from dataclasses import replace

import msgspec

from bot import approval, ordering, permission
from bot.board import Board
from bot.cards.said import Said
from bot.cards.times import counted
from bot.errors import BadInput, CallboardError, NotAllowed, NotFound, NotNow, Unsupported
from bot.message_queue import kick, order_of, read_said, sending_accounts
from bot.operations import operations
from bot.orders import SAID, MessageOrder, Template, chosen
from bot.provider import Provider
from bot.store import calls, ledger, messages, people
from bot.store.messages import Batch, Recipient

log = logging.getLogger("callboard.messaging")

LONGEST_TEXT = 3000
"""Characters. Whoever approves a large list is shown all of it."""
TYPED = (
    *("caller_id", "language", "voice", "collect_digits", "recognise", "digits", "loop", "after"),
    *("ring_seconds", "max_seconds", "record", "dial_digits"),
)
"""Options of a message that a person chooses besides what it says, in the order of `/voicemsg`."""
LISTED = 5
"""Stored messages that are named where another name was typed."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What a person asked for.

    Attributes:
        by: Slack user id.  recipients: (E.164, name); duplicates are merged.  said: its `template` and `line` as typed.
        account: "" = whichever can.  send_at: seconds since 1970 UTC, 0 = now.
    """

    by: str
    recipients: tuple[tuple[str, str], ...]
    said: Said
    account: str = ""
    send_at: float = 0


# What is asked for becomes a batch.


async def create(
    board: Board, key: str, wanted: Wanted, take: Callable[[sqlite3.Connection, Batch], None] = lambda db, batch: None
) -> Batch:
    """Write down what the intent `key` asked for: a batch that is sent at once, or a draft that waits for *Send*.

    `take` runs in the same transaction: whoever waits for what becomes of it notes there which batch it is.

    Raises:
        BadInput, NotAllowed, Unsupported: nothing is sent; says why and what to do.
    """
    names = dict(reversed(wanted.recipients))  # the first name that a number is given with counts
    recipients = [(number, names[number]) for number in dict.fromkeys(number for number, _ in wanted.recipients)]
    check_size(board, wanted.by, len(recipients))
    permission.check_caller(board, wanted.by)
    account, said = await _through(board, wanted)
    now = board.now()
    batch = Batch(
        id=calls.new_id(now),
        by=wanted.by,
        place=f"@{wanted.by}",
        account=account,
        state="running",
        send_at=max(wanted.send_at, now),
        created_at=now,
        ended_by="",
        reported=int(len(recipients) == 1),
        body=msgspec.json.encode(said),
    )
    rows = await board.read(_plan, board, batch, recipients)
    first = next((row for row in rows if row.state == "waiting"), None)
    if first is None:
        raise NotAllowed(rows[0].words + (f" Nor can any other of the {len(rows)} be called." if len(rows) > 1 else ""))
    late = len(rows) == 1 and not wanted.send_at and first.due_at > now
    count = sum(row.state == "waiting" for row in rows)
    if approval.needed(board.settings, count):
        approval.check_anybody(board.settings, wanted.by)
    if late or len(rows) > board.settings.messages.confirm_over or approval.needed(board.settings, count):
        batch = replace(batch, state="draft")

    def write(db: sqlite3.Connection) -> None:
        messages.write(db, batch, rows, now)
        what = "draft of voice messages" if batch.state == "draft" else "voice messages"
        ledger.audit(db, now, batch.by, what, so_many(len(rows)), f"{account} {batch.id}")
        ledger.drop_intent(db, key)
        take(db, batch)

    await board.write(write)
    if batch.state == "running":
        kick(board)
    return batch


def check_size(board: Board, by: str, count: int) -> None:
    """Whether `by` may send to so many, as what they are now.

    Raises:
        BadInput: nobody is named.  NotAllowed: too many.
    """
    limits = board.settings.messages
    if not count:
        raise BadInput("Say whom to call, like +1 202 555 0100 or a contact's name. Nothing was sent.")
    if count > limits.most:
        raise NotAllowed(
            f"{count} recipients are too many for one batch: the limit is {limits.most}, so nothing was sent. "
            "Send to fewer at once, or ask an admin to raise the limit."
        )
    if count > limits.reps and board.settings.role(by) == "rep":
        most = so_many(limits.reps)
        raise NotAllowed(
            f"Only managers may send a voice message to more than {most}, so nothing was sent. Ask one of them."
        )


def so_many(count: int) -> str:
    """Of recipients, for a sentence."""
    return "one recipient" if count == 1 else f"{count} recipients"


def _plan(db: sqlite3.Connection, board: Board, batch: Batch, recipients: list[tuple[str, str]]) -> list[Recipient]:
    """Each recipient as the policy sees it now; it is asked again right before each is sent."""
    rows = []
    said, provider = read_said(batch.body), board.provider(batch.account)
    for position, (number, name) in enumerate(recipients):
        row = Recipient(batch.id, position, number, name, "waiting", batch.send_at)
        try:
            try:
                permission.check_message(db, board, batch.by, number, batch.send_at)
            except NotNow as error:
                row = replace(row, due_at=error.at)
            ordering.message(board, provider, order_of(said, "", number))
        except NotAllowed as error:
            row = replace(row, state="refused", words=str(error))
        rows.append(row)
    return rows


# Which account, and which of its messages.


async def _through(board: Board, wanted: Wanted) -> tuple[str, Said]:
    """The account that sends it, and what is said with the template's id and the line that is shown."""
    said = wanted.said
    if (said.template and said.text) or not (said.template or said.text or said.more):
        raise BadInput("Choose a stored message or write a text: one of the two. Nothing was sent.")
    if len(said.text) > LONGEST_TEXT:
        raise BadInput(
            f"The text has {len(said.text)} characters, and {LONGEST_TEXT} are the most. Nothing was sent; make it "
            "shorter."
        )
    sender = await board.read(people.person, wanted.by)
    line = board.settings.line(said.line) if said.line else None
    if line and wanted.account and line.account not in ("", wanted.account):
        raise BadInput(
            f"That line belongs to {line.account}, not to {wanted.account}. Leave out “via”, or choose another line. "
            "Nothing was sent."
        )
    account = wanted.account or (line.account if line else "")
    if account and not board.provider(account).can("send_message"):
        raise Unsupported(f"{board.provider(account).title} cannot {operations()['send_message']}. Nothing was sent.")
    able = [account] if account else sending_accounts(board, first=sender.account)
    if not able:
        raise Unsupported("None of your phone services can send voice messages. Nothing was sent.")
    # Whoever cannot do all of that does not get it; where nobody can, the first says so.
    wish = chosen(order_of(said, "", ""))
    able = [name for name in able if wish <= board.provider(name).message_options] or able
    if said.template:
        account, template = await _template(board, able, said.template)
    else:
        account, template = _speaks(board, able) if said.text else able[0], None
    provider = board.provider(account)
    said = msgspec.structs.replace(
        said,
        template=template.id if template else said.template,
        name=template.name if template else said.template,
        line=ordering.caller_id(board, provider, provider.message_options, said.line, sender),
    )
    _check_able(provider, order_of(said, "", wanted.recipients[0][0]))
    return account, _with_defaults(board, provider, said)


def _check_able(provider: Provider, order: MessageOrder) -> None:
    try:
        provider.refuse_unexpressible(order)
    except Unsupported as error:
        has = ", ".join(SAID.get(name, name) for name in TYPED if name in provider.message_options)
        raise Unsupported(f"{error} It has: {has}." if has else str(error)) from error


def _with_defaults(board: Board, provider: Provider, said: Said) -> Said:
    """With what the settings say of every message of that account, as far as nobody has chosen it for this one.

    Raises:
        NotAllowed: somebody wants it to last longer, or to ring less.
    """
    check_ring(board, said.ring_seconds)
    given = board.settings.message_options(provider.account)
    longest = given.get("max_seconds")
    if longest and said.max_seconds > longest:
        raise NotAllowed(
            f"Voice messages via {provider.title} last {counted(longest, 'second')} at most, as your admin has set it. "
            "Nobody was called; write a shorter “max”, or none."
        )
    stops = bool(board.settings.messages.stop_key) and "collect_digits" in provider.message_options
    said = msgspec.structs.replace(said, keys=said.keys or stops)
    listens = {"answer_seconds": said.keys or said.words, "silence_seconds": said.words}
    more = {
        name: value for name, value in given.items() if value and not getattr(said, name) and listens.get(name, True)
    }
    return msgspec.structs.replace(said, **more)


def check_ring(board: Board, seconds: int) -> None:
    """Whether a phone may be let go after ringing so long; 0 = as long as the service lets it ring.

    Raises:
        NotAllowed: whoever is called has longer to answer.
    """
    least = board.settings.policy.ring_at_least
    if 0 < seconds < least:
        raise NotAllowed(
            f"Phones ring {counted(least, 'second')} at least before a voice message gives up, as your admin has set "
            f"it, so nothing was sent. Write “ring {least}s” or more, or leave it out."
        )


def _speaks(board: Board, able: list[str]) -> str:
    found = next((name for name in able if "text" in board.provider(name).message_options), "")
    if not found:
        titles = " and ".join(board.provider(name).title for name in able)
        speaks = (one for one in sending_accounts(board) if "text" in board.provider(one).message_options)
        other = next((f" or “via {one}”" for one in speaks), "")
        raise Unsupported(
            f"{titles} cannot speak a text, only play stored messages. Choose one of those{other}. Nothing was sent."
        )
    return found


async def _template(board: Board, able: list[str], typed: str) -> tuple[str, Template | None]:
    """(account, stored message) that somebody means. None: the account cannot list its own, so it is taken as typed."""
    found: list[tuple[str, Template]] = []
    listed: list[str] = []
    lists = [name for name in able if board.provider(name).can("templates")]
    silent = [name for name in able if name not in lists and "template" in board.provider(name).message_options]
    trouble: CallboardError | None = None
    for name in lists:
        try:
            stored = await board.provider(name).templates()
        except CallboardError as error:
            trouble = error  # the message may be another account's
            continue
        listed += [template.name for template in stored]
        found += [(name, template) for template in stored if named(template, typed)]
    if len(found) == 1:
        return found[0]
    if found:
        accounts = ", ".join(sorted({name for name, _ in found}))
        raise BadInput(
            f"Several stored messages are called “{typed}” ({accounts}). Say “via” and the account, or use its id. "
            "Nothing was sent."
        )
    if silent and not lists:
        return silent[0], None
    if trouble is not None:
        raise trouble
    more = " and more, see `/voicemsg templates`" * (len(listed) > LISTED)
    known = f"There are: {', '.join(listed[:LISTED])}{more}." if listed else "There are none yet."
    # A misspelt name must not go to whichever service cannot tell.
    also = f" If it is stored at {' or '.join(silent)}, which cannot list them, say so with “via”." if silent else ""
    raise NotFound(f"There is no stored message “{typed}”, so nothing was sent. {known}{also}")


def named(template: Template, typed: str) -> bool:
    """Whether somebody means this stored message: by its id, or its name in any case."""
    return typed in (template.id, template.name) or typed.casefold() == template.name.casefold()
