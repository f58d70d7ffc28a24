"""Steps of Slack's Workflow Builder: *Place a call* and *Send a voice message*, through the same gates as a command.

Slack: https://docs.slack.dev/workflows/workflow-steps and /reference/events/function_executed. A step is written down
before Slack is acknowledged, under Slack's id of its execution, so one that is told twice is begun once. It is answered
when its call, or all of its voice messages, are over; `bot/step_answers.py` tells Slack.
"""

import sqlite3
from collections.abc import Mapping

from bot import alarms, message_batches, step_call, step_kind, step_message
from bot.board import Board, sentence
from bot.errors import BadInput, NeedsReason, NeedsYes, StartedEnough
from bot.intents import STEP
from bot.step_inputs import Asked
from bot.step_kind import Answer, Kind, Verdict
from bot.store import ledger
from bot.store import workflow_steps as store
from bot.store.workflow_steps import Step

LONGEST_ERROR = 1000
"""Characters of a sentence that a step fails with."""

KINDS: Mapping[str, Kind] = {"place_a_call": step_call.KIND, "send_a_voice_message": step_message.KIND}
"""callback_id -> step. docs/workflow-steps.md has what the app's manifest says of them; a test compares."""


async def write_down(board: Board, asked: Asked) -> bool:
    """Commit that a step was asked for. False: Slack has told of it before, so there is nothing to do."""
    rep = actor(asked)

    def write(db: sqlite3.Connection) -> bool:
        now = board.now()
        if not store.begin(db, asked.id, asked.kind, rep, asked.started_by, now):
            return False
        ledger.write_intent(db, step_kind.key(asked.id), rep, STEP, b"{}", now)
        return True

    # Not board.write(): a step alone shows nothing, so the feed need not wake.
    return await board.db.write(write)


def actor(asked: Asked) -> str:
    """Slack user id of whoever a step acts for; "" = it names nobody, as `run()` says."""
    kind = KINDS.get(asked.kind)
    try:
        return asked.user(kind.actor) if kind is not None else ""
    except BadInput:
        return ""


async def run(board: Board, asked: Asked) -> None:
    """Do what a step asks for, once it is written down. What cannot be done is its answer, in a sentence."""
    try:
        kind = KINDS.get(asked.kind)
        if kind is None:
            raise BadInput(
                f"Callboard has no step “{asked.kind}”, so nothing was done. Compare the app's manifest with "
                "docs/workflow-steps.md."
            )
        await kind.begin(board, asked)
    except Exception as error:
        if isinstance(error, StartedEnough):
            await alarms.started(board, error)
        question = " A workflow cannot answer that, so nothing was dialled." if isinstance(error, NeedsYes) else ""
        said = error.elsewhere if isinstance(error, NeedsReason) else sentence(error)
        words = await _plain(board, said + question)
        await board.record(_refuse, asked.id, words, board.now())


def _refuse(db: sqlite3.Connection, step_id: str, words: str, now: float) -> None:
    """It fails, unless it became a call after all: that tells the rest."""
    if store.answer(db, step_id, step_kind.encode(Answer(error=words)), now, state="asked"):
        ledger.drop_intent(db, step_kind.key(step_id))


async def _plain(board: Board, words: str) -> str:
    return (await board.plainly(words))[:LONGEST_ERROR]


async def recover(board: Board) -> None:
    """At start, before `unclear.recover()`: a step that became nothing fails; its rep did not ask, so nobody is told.

    One that became a call, or a batch, is answered when that is over, like any other.
    """
    for step in await board.read(store.in_state, "asked"):
        kind = KINDS.get(step.kind)
        words = kind.restarted if kind else "Callboard was restarted before it could say that it has no such step."
        await board.write(_refuse, step.id, words, board.now())


async def settle(board: Board) -> None:
    """Steps whose call, or voice messages, are over have their answer now; called every few seconds."""
    now = board.now()
    for step in await board.read(store.in_state, "open"):
        verdict = await board.read(KINDS[step.kind].judge, step, now)
        if verdict is None:
            continue
        answer = verdict.answer
        if answer.error:
            answer = Answer(error=await _plain(board, answer.error))

        def write(db: sqlite3.Connection, step: Step = step, verdict: Verdict = verdict, told: Answer = answer) -> None:
            if verdict.withdraw and not message_batches.withdraw(db, board, step.subject):
                return  # somebody said yes or no in that very moment
            store.answer(db, step.id, step_kind.encode(told), now, state="open")

        await board.write(write)
