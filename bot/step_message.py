"""The step *Send a voice message* of Workflow Builder: a `/voicemsg`, answered when all that can be told of it is."""

import sqlite3

from bot import asking, messaging, saying, step_kind, typed_lengths
from bot.board import Board
from bot.call import Call
from bot.cards.said import Said, result_of
from bot.cards.times import counted
from bot.errors import BadInput
from bot.events import State
from bot.messaging import Wanted
from bot.step_inputs import STARTED_BY, STARTER, USER, Asked, Parameter
from bot.step_kind import Answer, Kind, Verdict
from bot.store import messages
from bot.store import workflow_steps as store
from bot.store.messages import Batch, Recipient
from bot.store.workflow_steps import Step


async def _send(board: Board, asked: Asked) -> None:
    region = board.settings.region
    sender = asked.user("sender")
    try:
        to = saying.recipients(asked.text("recipients"), region)
    except BadInput as error:
        raise BadInput(str(error).removesuffix(saying.EXAMPLE).strip()) from error  # it is one of a whole command
    wanted = Wanted(
        by=sender,
        recipients=await asking.listed(board, sender, to),
        said=Said(
            template=asked.text("stored"),
            text=asked.text("text"),
            line=asking.line_of(board, step_kind.line(asked, region)),
            keys=asked.flag("keys"),
            words=asked.flag("words"),
            ring_seconds=_seconds(asked, "ring"),
            max_seconds=_seconds(asked, "max"),
            record=asked.flag("record"),
        ),
        account=asking.account_of(board, asked.text("via")),
    )

    def take(db: sqlite3.Connection, batch: Batch) -> None:
        step_kind.count(db, board, asked)
        store.became(db, asked.id, batch.id)
        whom = messaging.so_many(len(wanted.recipients))
        step_kind.audit(db, board, asked, "voice message by a workflow", whom, f"{batch.id} for {sender}")

    await messaging.create(board, step_kind.key(asked.id), wanted, take)


def _seconds(asked: Asked, name: str) -> int:
    text = asked.text(name)
    return typed_lengths.message_seconds(name, text) if text else 0


def _judge_batch(db: sqlite3.Connection, step: Step, now: float) -> Verdict | None:
    batch = messages.get(db, step.subject)
    if batch is None:
        return step_kind.failed(step_kind.GONE)
    if batch.state == "dropped":
        return step_kind.failed("The voice message was discarded, or not approved, so nobody was called.")
    if batch.state in ("draft", "asked"):
        if now - step.at < step_kind.LONGEST_WAIT_SECONDS:
            return None
        told = "For a day nobody has said that the voice message shall be sent, so it was discarded; nobody was called."
        return Verdict(Answer(error=told), withdraw=True)
    if not messages.over(db, batch.id):
        return _judge_paused(messages.results(db, batch.id), step, now) if batch.state == "paused" else None
    results = messages.results(db, batch.id)
    waits = [call for _, call in results if call is not None and not step_kind.settled(db, call, now)]
    unclear = [call for call in waits if call.state is State.UNCLEAR]
    if not waits:
        return _results(results)
    if not unclear or now - max(call.started_at for call in unclear) < step_kind.LONGEST_WAIT_SECONDS:
        return None
    return step_kind.failed(
        f"Of {counted(len(results), 'voice message')} {len(unclear)} {'is' if len(unclear) == 1 else 'are'} unclear, "
        "and for a day nobody has told what became of that. Their card shows the others."
    )


def _judge_paused(results: list[tuple[Recipient, Call | None]], step: Step, now: float) -> Verdict | None:
    """When it was paused is not known: not before the last was called, and it is a day since whoever waits was due."""
    due = min((row.due_at for row, _ in results if row.state == "waiting"), default=now)
    if now - max(step.at, due, *(call.started_at for _, call in results if call)) < step_kind.LONGEST_WAIT_SECONDS:
        return None
    unsent = sum(row.state == "waiting" for row, _ in results)
    return step_kind.failed(
        f"Of {counted(len(results), 'voice message')} {unsent} {'was' if unsent == 1 else 'were'} not sent: they are "
        "paused, and for a day nobody has resumed them. Their card still can, and shows the others."
    )


def _results(results: list[tuple[Recipient, Call | None]]) -> Verdict:
    found = [result_of(recipient, call) for recipient, call in results]
    heard = sum(result.group in ("heard", "reached") for result in found)
    if len(found) == 1 and found[0].group in ("refused", "stopped"):
        return step_kind.failed(found[0].words or "The voice message was cancelled, so nobody was called.")
    outputs: dict[str, str | int] = {"heard": heard, "not_reached": len(found) - heard}
    if len(found) == 1 and (answer := found[0].keys[:1] or found[0].phrases):
        outputs["answer"] = answer
    return Verdict(Answer(outputs=outputs))


KIND = Kind(
    inputs=(
        Parameter("sender", USER, required=True),
        Parameter("recipients", required=True),
        Parameter("text"),
        Parameter("stored"),
        Parameter("line"),
        Parameter("via"),
        Parameter("keys", "boolean"),
        Parameter("words", "boolean"),
        Parameter("ring"),
        Parameter("max"),
        Parameter("record", "boolean"),
        Parameter(STARTED_BY, STARTER),
    ),
    outputs=(
        Parameter("heard", "integer", required=True),
        Parameter("not_reached", "integer", required=True),
        Parameter("answer"),
    ),
    actor="sender",
    begin=_send,
    judge=_judge_batch,
    restarted="Callboard was restarted before the voice message was on its way; nobody was called.",
)
