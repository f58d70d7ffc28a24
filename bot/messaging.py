"""Voice messages: what is sent to whom, when, and the queue that sends them one by one through the gate.

A batch is written down whole before anything is sent. Each recipient is taken from the queue in the same transaction
that writes its call down, so a crash, a second worker or *Stop* can come at any moment and nobody is called twice.
"""

import asyncio
import logging
import sqlite3
from dataclasses import dataclass, replace

import msgspec

from bot import dialing, permission
from bot.board import Board, unexpected
from bot.call import Call
from bot.cards.voicemsg import Said
from bot.errors import BadInput, CallboardError, NotAllowed, NotFound, NotNow, Unsupported
from bot.events import NotPlaced, Outcome, State
from bot.operations import operations
from bot.orders import MessageOrder, Template
from bot.store import calls, ledger, messages, people
from bot.store.messages import Batch, Recipient

log = logging.getLogger("callboard.messaging")

UNREACHED_TRIES = 3
"""How often a message waits again because the provider was not reached, so that nothing can have rung."""
UNREACHED_SECONDS = 60.0
read_said = msgspec.json.Decoder(Said).decode


class _NotTaken(Exception):
    """The recipient is not ours to send any more, or as many messages run as may at the same moment."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
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


async def create(board: Board, key: str, wanted: Wanted) -> Batch:
    """Write down what the intent `key` asked for: a batch that is sent at once, or a draft that waits for *Send*.

    Raises:
        BadInput, NotAllowed, Unsupported: nothing is sent; says why and what to do.
    """
    names = dict(reversed(wanted.recipients))  # the first name that a number is given with counts
    recipients = [(number, names[number]) for number in dict.fromkeys(number for number, _ in wanted.recipients)]
    _check_size(board, wanted.by, len(recipients))
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
    if late or len(rows) > board.settings.messages.confirm_over:
        batch = replace(batch, state="draft")

    def write(db: sqlite3.Connection) -> None:
        messages.write(db, batch, rows, now)
        what = "draft of voice messages" if batch.state == "draft" else "voice messages"
        ledger.audit(db, now, batch.by, what, _people(len(rows)), f"{account} {batch.id}")
        ledger.drop_intent(db, key)

    await board.write(write)
    if batch.state == "running":
        kick(board)
    return batch


def _check_size(board: Board, by: str, count: int) -> None:
    limits = board.settings.messages
    if not count:
        raise BadInput("Say whom to call, like +1 202 555 0100 or a contact's name. Nothing was sent.")
    if count > limits.most:
        raise NotAllowed(
            f"{count} recipients are too many for one batch: the limit is {limits.most}, so nothing was sent. "
            "Send to fewer at once, or ask an admin to raise the limit."
        )
    if count > limits.reps and board.settings.role(by) == "rep":
        most = _people(limits.reps)
        raise NotAllowed(
            f"Only managers may send a voice message to more than {most}, so nothing was sent. Ask one of them."
        )


def _people(count: int) -> str:
    return "one recipient" if count == 1 else f"{count} recipients"


def _plan(db: sqlite3.Connection, board: Board, batch: Batch, recipients: list[tuple[str, str]]) -> list[Recipient]:
    """Each recipient as the policy sees it now; it is asked again right before each is sent."""
    rows = []
    for position, (number, name) in enumerate(recipients):
        row = Recipient(batch.id, position, number, name, "waiting", batch.send_at)
        try:
            permission.check_message(db, board, batch.by, number, batch.send_at)
        except NotNow as error:
            row = replace(row, due_at=error.at)
        except NotAllowed as error:
            row = replace(row, state="refused", words=str(error))
        rows.append(row)
    return rows


# Which account, and which of its messages.


async def _through(board: Board, wanted: Wanted) -> tuple[str, Said]:
    """The account that sends it, and what is said with the template's id and the line that is shown."""
    said = wanted.said
    if bool(said.template) == bool(said.text):
        raise BadInput("Choose a stored message or write a text: one of the two. Nothing was sent.")
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
    account, template = await _template(board, able, said.template) if said.template else (_speaks(board, able), None)
    provider = board.provider(account)
    said = msgspec.structs.replace(
        said,
        template=template.id if template else said.template,
        name=template.name if template else said.template,
        line=dialing.caller_id(board, provider, provider.message_options, said.line, sender),
    )
    provider.refuse_unexpressible(order_of(said, "", wanted.recipients[0][0]))
    return account, said


def sending_accounts(board: Board, first: str = "") -> list[str]:
    """Accounts that can send voice messages, `first` before the others."""
    able = [name for name, provider in board.providers.items() if provider.can("send_message")]
    return sorted(able, key=lambda name: name != first)


def _speaks(board: Board, able: list[str]) -> str:
    found = next((name for name in able if "text" in board.provider(name).message_options), "")
    if not found:
        titles = " and ".join(board.provider(name).title for name in able)
        raise Unsupported(f"{titles} cannot speak a text, only play stored messages. Choose one. Nothing was sent.")
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
    known = f"There are: {', '.join(listed[:20])}." if listed else "There are none yet."
    # A misspelt name must not go to whichever service cannot tell.
    also = f" If it is stored at {' or '.join(silent)}, which cannot list them, say so with “via”." if silent else ""
    raise BadInput(f"There is no stored message “{typed}”, so nothing was sent. {known}{also}")


def named(template: Template, typed: str) -> bool:
    """Whether somebody means this stored message: by its id, or its name in any case."""
    return typed in (template.id, template.name) or typed.casefold() == template.name.casefold()


def order_of(said: Said, call_id: str, number: str) -> MessageOrder:
    """The order of one message."""
    return MessageOrder(
        call_id=call_id,
        number=number,
        template=said.template,
        text=said.text,
        language=said.language,
        voice=said.voice,
        caller_id=said.line,
        collect_digits=said.keys,
        recognise=said.words,
    )


# What people do to a batch.


async def confirm(board: Board, batch_id: str, user: str) -> None:
    """*Send*: a draft is sent, each to its hour."""
    batch = await _own(board, batch_id, user)

    def start(db: sqlite3.Connection) -> bool:
        if not messages.start(db, batch.id):
            return False
        ledger.audit(db, board.now(), user, "voice messages", "sent", f"{batch.account} {batch.id}")
        return True

    if not await board.write(start):
        raise NotAllowed("That was decided before, so nothing was done a second time. Look at its card.")
    kick(board)


async def stop(board: Board, batch_id: str, user: str) -> int:
    """*Stop*, *Discard* or *Cancel*: nobody more is called. Returns how many had been waiting."""
    batch = await _own(board, batch_id, user)

    def end(db: sqlite3.Connection) -> int:
        count = messages.end(db, batch.id, user)
        ledger.audit(db, board.now(), user, "stop voice messages", f"{count} unsent", f"{batch.account} {batch.id}")
        return count

    return await board.write(end)


async def _own(board: Board, batch_id: str, user: str) -> Batch:
    batch = await board.read(messages.get, batch_id)
    if batch is None:
        raise NotFound("That voice message is not on record any more. Nothing was done.")
    if batch.by != user and board.settings.role(user) == "rep":
        raise NotAllowed("Only whoever sends it, or a manager, can do that. Nothing was done.")
    return batch


# The queue.


def watch(board: Board) -> None:
    """Send the next as soon as one is over."""

    def follow(call: Call) -> None:
        over = call.state in (State.ENDED, State.UNCLEAR) and call.outcome is not Outcome.NOT_PLACED
        if call.purpose == "message" and over:
            kick(board)

    board.followers.append(follow)


def kick(board: Board) -> None:
    """Look at the queue now, in the background."""
    board.spawn(due(board), _failed)


async def _failed(error: Exception) -> None:
    """A bug of ours, or the database: the next tick looks again."""
    log.error("The queue of voice messages could not go on.", exc_info=error)


async def due(board: Board) -> None:
    """Send whatever is due, account by account, as many at once as the settings allow."""
    able = sending_accounts(board)
    for recipient, account in await board.read(messages.lost, able, board.now()):
        words = (
            f"There is no telephony account “{account}” any more that sends voice messages, so nothing was sent. "
            "Send it again through another one."
        )
        await board.write(messages.refuse, recipient, words)
    await asyncio.gather(*(_serve(board, account) for account in able))


async def _serve(board: Board, account: str) -> None:
    while await board.read(messages.running, account) < board.settings.messages.at_once:
        found = await board.read(messages.next_due, account, board.now())
        if found is None or not await _send(board, *found):
            return


async def _send(board: Board, batch: Batch, recipient: Recipient) -> bool:
    """Send to one. False: it is no use to go on right now."""
    call_id = calls.new_id(board.now())

    def take(db: sqlite3.Connection) -> None:
        busy = messages.running(db, batch.account) >= board.settings.messages.at_once
        if busy or not messages.take(db, recipient, call_id):
            raise _NotTaken

    def back(db: sqlite3.Connection) -> None:
        if recipient.tries < UNREACHED_TRIES:
            messages.put_back(db, call_id, board.now() + UNREACHED_SECONDS)

    order = order_of(read_said(batch.body), call_id, recipient.number)
    try:
        call = await dialing.send(board, batch.account, batch.by, recipient.name, order, take, back)
    except _NotTaken:
        return False
    except NotNow as error:
        await board.write(messages.defer, recipient, max(error.at, board.now() + 1))
    except CallboardError as error:
        await board.write(messages.refuse, recipient, str(error))
    except sqlite3.Error:
        raise  # of the database, not of this message: the next round tries again
    except Exception as error:  # a bug of ours must not keep the others waiting for ever
        await board.write(messages.refuse, recipient, unexpected(error))
    else:
        return call.outcome is not Outcome.NOT_PLACED
    return True


async def recover(board: Board) -> None:
    """At start, before `dialing.recover()`: messages that were written down but never left are sent after all."""
    now = board.now()
    for intent in await board.read(ledger.open_intents):
        if intent.kind != dialing.MESSAGE or intent.state != "written" or intent.call_id is None:
            continue
        call_id, key = intent.call_id, intent.key
        words = "Callboard was restarted before it could send this message. Nothing was dialled."

        def back(db: sqlite3.Connection, call_id: str = call_id, key: str = key, words: str = words) -> None:
            call = calls.get(db, call_id)
            if call is not None and messages.put_back(db, call_id, now):
                event = NotPlaced(at=now, outcome=Outcome.NOT_PLACED, words=words)
                calls.ingest(db, call.account, [event], now=now, routing=board.routing, call_id=call_id)
                ledger.finish_intent(db, key)

        await board.write(back)
