"""Steps of workflows in Slack that wait for an answer of ours: each is begun once, and answered until Slack takes it.

A step is `asked` (written down before Slack was acknowledged), then `open` (it became a call, or a batch of voice
messages), then `answered` (its answer is on its way to Slack), and `done`.
"""

import sqlite3
from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """One execution of a step.

    Attributes:
        id: Slack's function_execution_id.  kind: the step's callback_id.  rep: Slack user id of whoever acts, "" = the
            inputs name nobody.
        started_by: Slack user id of who started the workflow, "" = Slack did not say.
        subject: id of the call or batch that it became, "" = none yet.
        answer: what Slack is told, JSON (`bot.workflow_steps.Answer`); empty before, and again when Slack has it.
        due_at: when Slack is told next, seconds since 1970 UTC.  tries: how often that failed.
    """

    id: str
    kind: str
    rep: str
    started_by: str
    at: float
    state: str
    subject: str = ""
    answer: bytes = b""
    due_at: float = 0
    tries: int = 0


_STEP = ", ".join(Step.__dataclass_fields__)
_UNDONE = "state <> 'done'"
"""The index's own condition: SQLite does not conclude it from another one."""


def begin(db: sqlite3.Connection, step_id: str, kind: str, rep: str, started_by: str, now: float) -> bool:
    """Write a step down. False: Slack has told of it before."""
    cursor = db.execute(
        "INSERT INTO workflow_steps (id, kind, rep, started_by, at, state) VALUES (?, ?, ?, ?, ?, 'asked')"
        " ON CONFLICT DO NOTHING",
        (step_id, kind, rep, started_by, now),
    )
    return cursor.rowcount == 1


def get(db: sqlite3.Connection, step_id: str) -> Step | None:
    """One step."""
    row = db.execute(f"SELECT {_STEP} FROM workflow_steps WHERE id = ?", (step_id,)).fetchone()
    return Step(*row) if row else None


def became(db: sqlite3.Connection, step_id: str, subject: str) -> None:
    """The step became that call, or that batch of voice messages."""
    db.execute(
        "UPDATE workflow_steps SET state = 'open', subject = ? WHERE id = ? AND state = 'asked'", (subject, step_id)
    )


def in_state(db: sqlite3.Connection, state: str) -> list[Step]:
    """All steps that are "asked" or "open", oldest first."""
    rows = db.execute(f"SELECT {_STEP} FROM workflow_steps WHERE state = ? AND {_UNDONE} ORDER BY at", (state,))
    return [Step(*row) for row in rows]


def answer(db: sqlite3.Connection, step_id: str, answer: bytes, now: float, *, state: str) -> bool:
    """It is known what Slack is told. False: the step is not in that state any more, so it has its answer."""
    changed = db.execute(
        "UPDATE workflow_steps SET state = 'answered', answer = ?, due_at = ?, tries = 0 WHERE id = ? AND state = ?",
        (answer, now, step_id, state),
    )
    return changed.rowcount == 1


def due(db: sqlite3.Connection, now: float) -> list[Step]:
    """Steps whose answer Slack is to be told now, the longest due first."""
    rows = db.execute(
        f"SELECT {_STEP} FROM workflow_steps WHERE state = 'answered' AND {_UNDONE} AND due_at <= ? ORDER BY due_at",
        (now,),
    )
    return [Step(*row) for row in rows]


def later(db: sqlite3.Connection, step_id: str, due_at: float) -> None:
    """Slack did not take the answer; it is told again."""
    db.execute("UPDATE workflow_steps SET due_at = ?, tries = tries + 1 WHERE id = ?", (due_at, step_id))


def done(db: sqlite3.Connection, step_id: str) -> None:
    """Slack has the answer, or waits for none; what it was is not kept. The row is, so that a repeat is known."""
    db.execute("UPDATE workflow_steps SET state = 'done', answer = x'' WHERE id = ?", (step_id,))
