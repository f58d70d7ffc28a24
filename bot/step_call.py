"""The step *Place a call* of Workflow Builder: a `/call`, answered when it is over and all is known of it."""

import sqlite3

import msgspec

from bot import asking, dialing, numbers, step_kind, who
from bot.board import Board
from bot.errors import BadInput
from bot.events import Outcome, State
from bot.intents import Ask
from bot.namesakes import Choice, ambiguous
from bot.step_inputs import STARTED_BY, STARTER, USER, Asked, Parameter
from bot.step_kind import Answer, Kind, Verdict
from bot.store import calls
from bot.store import workflow_steps as store
from bot.store.workflow_steps import Step


async def _place(board: Board, asked: Asked) -> None:
    ask = await _whom(board, asked)

    def take(db: sqlite3.Connection, call_id: str) -> None:
        step_kind.count(db, board, asked, call_id)
        store.became(db, asked.id, call_id)
        step_kind.audit(db, board, asked, "call by a workflow", ask.number, f"{call_id} for {ask.rep}")

    await dialing.dial(board, step_kind.key(asked.id), ask, take=take)


async def _whom(board: Board, asked: Asked) -> Ask:
    region = board.settings.region
    rep = asked.user("rep")
    try:
        text = who.parse(asked.text("whom"), region, behind=True)
    except BadInput as error:
        raise BadInput(f"{str(error).removesuffix(who.EXAMPLE).strip()} Nothing was dialled.") from error
    if isinstance(text.who, who.Nothing | who.Help | who.Back | who.Again | who.Next):
        raise BadInput("Say whom to call: a number, a contact's name, an extension or @somebody. Nothing was dialled.")
    await asking.check_all(board, asked.text("whom"), text)
    note = asked.text("note") or text.note
    text = msgspec.structs.replace(
        text,
        line=step_kind.line(asked, region) or text.line,
        provider=asked.text("via") or text.provider,
        record=asked.flag("record") or text.record,
        note=f"Workflow: {note}" if note else "Asked for by a workflow.",  # the rep's phone rings of a sudden
    )
    found = await asking.resolve(board, rep, text)
    if isinstance(found, Choice):
        raise ambiguous(text.who, found)
    return found


def _judge_call(db: sqlite3.Connection, step: Step, now: float) -> Verdict | None:
    call = calls.get(db, step.subject)
    if call is None:
        return step_kind.failed(step_kind.GONE)
    if call.state is State.UNCLEAR:
        if now - call.started_at < step_kind.LONGEST_WAIT_SECONDS:
            return None
        return step_kind.failed(
            f"Whether the call to {numbers.pretty(call.number)} was placed is unclear, and for a day nobody has said "
            "what became of it. Its card still asks."
        )
    if not step_kind.settled(db, call, now):
        return None
    if call.outcome in (Outcome.REFUSED, Outcome.NOT_PLACED):
        return step_kind.failed(
            call.words or f"The call to {numbers.pretty(call.number)} was not placed; nothing rang."
        )
    outcome = str(call.outcome or Outcome.PENDING)
    return Verdict(Answer(outputs={"outcome": outcome, "talk_seconds": call.talk_seconds, "number": call.number}))


KIND = Kind(
    inputs=(
        Parameter("rep", USER, required=True),
        Parameter("whom", required=True),
        Parameter("note"),
        Parameter("line"),
        Parameter("via"),
        Parameter("record", "boolean"),
        Parameter(STARTED_BY, STARTER),
    ),
    outputs=(
        Parameter("outcome", required=True),
        Parameter("talk_seconds", "integer", required=True),
        Parameter("number", required=True),
    ),
    actor="rep",
    begin=_place,
    judge=_judge_call,
    restarted="Callboard was restarted before the call was placed; nothing was dialled.",
)
