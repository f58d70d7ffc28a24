"""What each step of Workflow Builder is made of: how it is begun, judged and counted, and what its answer may be.

The steps: `bot/step_call.py`, `bot/step_message.py`. What is done with all of them: `bot/workflow_steps.py`.
"""

import sqlite3
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import msgspec

from bot import permission, saying
from bot.board import Board
from bot.call import Call
from bot.events import Outcome, State
from bot.intents import STEP
from bot.step_inputs import Asked, Parameter
from bot.store import calls, dials, ledger
from bot.store.workflow_steps import Step

SETTLE_SECONDS = 5
"""So long after the last news of a call that has ended more are awaited: records of its legs come one by one."""
PENDING_SECONDS = 900
"""So long a call that is over waits for the record that says how."""
LONGEST_WAIT_SECONDS = 24 * 3600
"""So long a step waits for a person: for who settles an unclear call, or says yes to a voice message."""
GONE = "What became of it cannot be told: it is not on record any more."


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """What Slack is told: the outputs, or with `error` that the step failed."""

    error: str = ""
    outputs: dict[str, str | int] = {}


# An answer, as it is kept until Slack has taken it.
encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(Answer).decode


class Verdict(NamedTuple):
    """How a step went. `withdraw`: the voice message is still a draft, and is discarded in the same moment."""

    answer: Answer
    withdraw: bool = False


class Kind(msgspec.Struct, frozen=True):
    """A step that workflows can have.

    Attributes:
        actor: the input that names who acts: the policy is theirs.
        begin: does what is asked.  judge: what Slack is told once that is over, None = it is not.
        restarted: the step had not become anything when Callboard was stopped.
    """

    inputs: tuple[Parameter, ...]
    outputs: tuple[Parameter, ...]
    actor: str
    begin: Callable[[Board, Asked], Awaitable[None]]
    judge: Callable[[sqlite3.Connection, Step, float], Verdict | None]
    restarted: str


def key(step_id: str) -> str:
    """Key of the intent of a step."""
    return f"{STEP}:{step_id}"


def line(asked: Asked, region: str) -> str:
    """The line that a step's input names: E.164, or its name as it was written, "" = none."""
    written = asked.text("line")
    return saying.line_number(written, region) if written else ""


def count(db: sqlite3.Connection, board: Board, asked: Asked, call_id: str = "") -> None:
    """It counts for whoever started the workflow, too, in the transaction that looks whether they may.

    Raises:
        StartedEnough: as `permission.check_started()`.
    """
    starter, now = "" if board.turned_away(asked.started_by) else asked.started_by, board.now()
    permission.check_started(db, board, starter, asked.kind, calls=bool(call_id))
    started = dials.started_key(now, asked.id)
    ledger.take_once(db, started, starter, asked.kind, now)
    if call_id:
        ledger.bind_intent(db, started, call_id)


def audit(db: sqlite3.Connection, board: Board, asked: Asked, what: str, subject: str, detail: str) -> None:
    """Who started the workflow, as far as Slack says; for whom it acts, and which run it was."""
    ledger.audit(db, board.now(), asked.started_by, what, subject, f"{detail} {asked.workflow}".strip())


def settled(db: sqlite3.Connection, call: Call, now: float) -> bool:
    """It is over, and no more is to be expected of how it went."""
    if call.state is not State.ENDED:
        return False
    if call.outcome in (Outcome.REFUSED, Outcome.NOT_PLACED):
        return True
    waits = PENDING_SECONDS if call.outcome in (None, Outcome.PENDING) else SETTLE_SECONDS
    return now - calls.heard_at(db, call.id) >= waits  # not since its end: that is by the service's clock


def failed(words: str) -> Verdict:
    """It failed, with a sentence for whoever reads the workflow's log."""
    return Verdict(Answer(error=words))
