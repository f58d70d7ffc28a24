"""Steps of Slack's Workflow Builder: *Place a call* and *Send a voice message*, through the same gates as a command.

Slack: https://docs.slack.dev/workflows/workflow-steps and /reference/events/function_executed. A step is written down
before Slack is acknowledged, under Slack's id of its execution, so one that is told twice is begun once. It is answered
when its call, or all of its voice messages, are over; `bot/step_answers.py` tells Slack.
"""

import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

import msgspec

from bot import alarms, asking, dialing, message_batches, messaging, numbers, permission, saying, who
from bot.board import Board, sentence
from bot.call import Call
from bot.cards.said import Said, result_of
from bot.cards.times import counted
from bot.errors import BadInput, NeedsReason, NeedsYes, StartedEnough
from bot.events import Outcome, State
from bot.intents import Ask
from bot.messaging import Wanted
from bot.namesakes import Choice, ambiguous
from bot.step_inputs import STARTED_BY, STARTER, USER, Asked, Parameter
from bot.store import calls, dials, ledger, messages
from bot.store import workflow_steps as store
from bot.store.messages import Batch, Recipient
from bot.store.workflow_steps import Step

INTENT = "step"
"""Kind of the intents of steps."""
SETTLE_SECONDS = 5
"""So long after the last news of a call that has ended more are awaited: records of its legs come one by one."""
PENDING_SECONDS = 900
"""So long a call that is over waits for the record that says how."""
LONGEST_WAIT_SECONDS = 24 * 3600
"""So long a step waits for a person: for who settles an unclear call, or says yes to a voice message."""
LONGEST_ERROR = 1000
"""Characters of a sentence that a step fails with."""

_GONE = "What became of it cannot be told: it is not on record any more."


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """What Slack is told: the outputs, or with `error` that the step failed."""

    error: str = ""
    outputs: dict[str, str | int] = {}


class _Verdict(NamedTuple):
    """`withdraw`: the voice message is still a draft, and is discarded in the same moment."""

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
    judge: Callable[[sqlite3.Connection, Step, float], _Verdict | None]
    restarted: str


async def write_down(board: Board, asked: Asked) -> bool:
    """Commit that a step was asked for. False: Slack has told of it before, so there is nothing to do."""
    rep = actor(asked)

    def write(db: sqlite3.Connection) -> bool:
        now = board.now()
        if not store.begin(db, asked.id, asked.kind, rep, asked.started_by, now):
            return False
        ledger.write_intent(db, _key(asked.id), rep, INTENT, b"{}", now)
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


def _key(step_id: str) -> str:
    """Key of the intent of a step."""
    return f"{INTENT}:{step_id}"


def _refuse(db: sqlite3.Connection, step_id: str, words: str, now: float) -> None:
    """It fails, unless it became a call after all: that tells the rest."""
    if store.answer(db, step_id, encode(Answer(error=words)), now, state="asked"):
        ledger.drop_intent(db, _key(step_id))


async def _plain(board: Board, words: str) -> str:
    return (await board.plainly(words))[:LONGEST_ERROR]


encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(Answer).decode


# Place a call


async def _place(board: Board, asked: Asked) -> None:
    ask = await _whom(board, asked)

    def take(db: sqlite3.Connection, call_id: str) -> None:
        _count(db, board, asked, call_id)
        store.became(db, asked.id, call_id)
        _audit(db, board, asked, "call by a workflow", ask.number, f"{call_id} for {ask.rep}")

    await dialing.dial(board, _key(asked.id), ask, take=take)


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
        line=_line(asked, region) or text.line,
        provider=asked.text("via") or text.provider,
        record=asked.flag("record") or text.record,
        note=f"Workflow: {note}" if note else "Asked for by a workflow.",  # the rep's phone rings of a sudden
    )
    found = await asking.resolve(board, rep, text)
    if isinstance(found, Choice):
        raise ambiguous(text.who, found)
    return found


def _line(asked: Asked, region: str) -> str:
    line = asked.text("line")
    return saying.line_number(line, region) if line else ""


def _count(db: sqlite3.Connection, board: Board, asked: Asked, call_id: str = "") -> None:
    """It counts for whoever started the workflow, too, in the transaction that looks whether they may.

    Raises:
        StartedEnough: as `permission.check_started()`.
    """
    starter, now = "" if board.turned_away(asked.started_by) else asked.started_by, board.now()
    permission.check_started(db, board, starter, asked.kind, calls=bool(call_id))
    key = dials.started_key(now, asked.id)
    ledger.take_once(db, key, starter, asked.kind, now)
    if call_id:
        ledger.bind_intent(db, key, call_id)


def _audit(db: sqlite3.Connection, board: Board, asked: Asked, what: str, subject: str, detail: str) -> None:
    """Who started the workflow, as far as Slack says; for whom it acts, and which run it was."""
    ledger.audit(db, board.now(), asked.started_by, what, subject, f"{detail} {asked.workflow}".strip())


def _judge_call(db: sqlite3.Connection, step: Step, now: float) -> _Verdict | None:
    call = calls.get(db, step.subject)
    if call is None:
        return _failed(_GONE)
    if call.state is State.UNCLEAR:
        if now - call.started_at < LONGEST_WAIT_SECONDS:
            return None
        return _failed(
            f"Whether the call to {numbers.pretty(call.number)} was placed is unclear, and for a day nobody has said "
            "what became of it. Its card still asks."
        )
    if not _settled(db, call, now):
        return None
    if call.outcome in (Outcome.REFUSED, Outcome.NOT_PLACED):
        return _failed(call.words or f"The call to {numbers.pretty(call.number)} was not placed; nothing rang.")
    outcome = str(call.outcome or Outcome.PENDING)
    return _Verdict(
        Answer(outputs={"outcome": outcome, "talk_seconds": call.talk_seconds, "number": call.number}),
    )


def _settled(db: sqlite3.Connection, call: Call, now: float) -> bool:
    """It is over, and no more is to be expected of how it went."""
    if call.state is not State.ENDED:
        return False
    if call.outcome in (Outcome.REFUSED, Outcome.NOT_PLACED):
        return True
    waits = PENDING_SECONDS if call.outcome in (None, Outcome.PENDING) else SETTLE_SECONDS
    return now - calls.heard_at(db, call.id) >= waits  # not since its end: that is by the service's clock


def _failed(words: str) -> _Verdict:
    return _Verdict(Answer(error=words))


# Send a voice message


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
            line=asking.line_of(board, _line(asked, region)),
            keys=asked.flag("keys"),
            words=asked.flag("words"),
            ring_seconds=_seconds(asked, "ring"),
            max_seconds=_seconds(asked, "max"),
            record=asked.flag("record"),
        ),
        account=asking.account_of(board, asked.text("via")),
    )

    def take(db: sqlite3.Connection, batch: Batch) -> None:
        _count(db, board, asked)
        store.became(db, asked.id, batch.id)
        count = len(wanted.recipients)
        whom = "one recipient" if count == 1 else f"{count} recipients"
        _audit(db, board, asked, "voice message by a workflow", whom, f"{batch.id} for {sender}")

    await messaging.create(board, _key(asked.id), wanted, take)


def _seconds(asked: Asked, name: str) -> int:
    text = asked.text(name)
    return saying.seconds_of(name, text) if text else 0


def _judge_batch(db: sqlite3.Connection, step: Step, now: float) -> _Verdict | None:
    batch = messages.get(db, step.subject)
    if batch is None:
        return _failed(_GONE)
    if batch.state == "dropped":
        return _failed("The voice message was discarded, or not approved, so nobody was called.")
    if batch.state in ("draft", "asked"):
        if now - step.at < LONGEST_WAIT_SECONDS:
            return None
        told = "For a day nobody has said that the voice message shall be sent, so it was discarded; nobody was called."
        return _Verdict(Answer(error=told), withdraw=True)
    if not messages.over(db, batch.id):
        return _judge_paused(messages.results(db, batch.id), step, now) if batch.state == "paused" else None
    results = messages.results(db, batch.id)
    waits = [call for _, call in results if call is not None and not _settled(db, call, now)]
    unclear = [call for call in waits if call.state is State.UNCLEAR]
    if not waits:
        return _results(results)
    if not unclear or now - max(call.started_at for call in unclear) < LONGEST_WAIT_SECONDS:
        return None
    return _failed(
        f"Of {counted(len(results), 'voice message')} {len(unclear)} {'is' if len(unclear) == 1 else 'are'} unclear, "
        "and for a day nobody has told what became of that. Their card shows the others."
    )


def _judge_paused(results: list[tuple[Recipient, Call | None]], step: Step, now: float) -> _Verdict | None:
    """When it was paused is not known: not before the last was called, and it is a day since whoever waits was due."""
    due = min((row.due_at for row, _ in results if row.state == "waiting"), default=now)
    if now - max(step.at, due, *(call.started_at for _, call in results if call)) < LONGEST_WAIT_SECONDS:
        return None
    unsent = sum(row.state == "waiting" for row, _ in results)
    return _failed(
        f"Of {counted(len(results), 'voice message')} {unsent} {'was' if unsent == 1 else 'were'} not sent: they are "
        "paused, and for a day nobody has resumed them. Their card still can, and shows the others."
    )


def _results(results: list[tuple[Recipient, Call | None]]) -> _Verdict:
    found = [result_of(recipient, call) for recipient, call in results]
    heard = sum(result.group in ("heard", "reached") for result in found)
    if len(found) == 1 and found[0].group in ("refused", "stopped"):
        return _failed(found[0].words or "The voice message was cancelled, so nobody was called.")
    outputs: dict[str, str | int] = {"heard": heard, "not_reached": len(found) - heard}
    if len(found) == 1 and (answer := found[0].keys[:1] or found[0].phrases):
        outputs["answer"] = answer
    return _Verdict(Answer(outputs=outputs))


KINDS: Mapping[str, Kind] = {
    "place_a_call": Kind(
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
    ),
    "send_a_voice_message": Kind(
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
    ),
}
"""callback_id -> step. docs/workflow-steps.md has what the app's manifest says of them; a test compares."""


# What happens by itself.


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

        def write(
            db: sqlite3.Connection, step: Step = step, verdict: _Verdict = verdict, told: Answer = answer
        ) -> None:
            if verdict.withdraw and not message_batches.withdraw(db, board, step.subject):
                return  # somebody said yes or no in that very moment
            store.answer(db, step.id, encode(told), now, state="open")

        await board.write(write)
