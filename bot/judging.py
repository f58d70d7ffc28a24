"""A table of calls, judged by the policy as it is configured: for campaigns (`bot/batches.py`) and for calling lists
(`bot/calling_lists.py`)."""

from anyio import to_process, to_thread

from bot import bulk, tables
from bot.board import Board
from bot.bulk import Checked, Plan
from bot.on_record import outdated
from bot.permission import rules
from bot.store import consents, people, registries

IN_A_PROCESS_FROM = 50_000
"""Bytes from which a file is judged in a process of its own: below, starting one takes longer than the work."""


async def plan(board: Board, user: str, waiting: frozenset[str] = frozenset()) -> Plan:
    """What rows are judged by. `waiting`: numbers that wait in the campaign already."""
    limits, now = rules(board), board.now()
    copies = await board.read(registries.current)
    return Plan(
        user=user,
        role=board.settings.role(user),
        rules=limits,
        zone=(await board.read(people.person, user)).zone or limits.zone,
        now=now,
        listed=await board.read(people.never_called),
        registered=await board.read(registries.packed) if copies else (),
        outdated=outdated(copies, limits, now),
        agreed=await board.read(consents.all_given) if copies else {},
        waiting=waiting,
    )


async def read(data: bytes, by: Plan) -> Checked:
    """Read and judge a whole table.

    Raises:
        BadInput: it is no table of calls; says what is wrong, and where.
    """
    large = len(data) >= IN_A_PROCESS_FROM
    checked: Checked = await (to_process if large else to_thread).run_sync(bulk.check, data, by)
    return checked


def notes(checked: Checked) -> list[str]:
    """How it was read, sentences."""
    found = []
    if checked.encoding not in ("utf-8", "utf-16"):
        found.append(f"The file is not UTF-8; it was read as {checked.encoding}. Check the names.")
    columns = ", ".join(name.replace("_", " ") for name in checked.columns if name in bulk.COLUMNS)
    variables = ", ".join(name for name in checked.columns if name and name not in bulk.COLUMNS)
    found.append(f"Columns: {columns}{f'; variables: {variables}' if variables else ''}.")
    if checked.behind:
        found.append(
            f"Not dialled: the extension behind a number, in {tables.extensions(checked.behind)}. It is kept as the "
            f"variable “{bulk.EXTENSION}”."
        )
    return found
