"""Who is who in Slack, looked up once a day."""

from bot.store import people
from handlers import Desk, meet

DAY_SECONDS = 86400.0
MOST = 2000
AT_ONCE, EVERY_SECONDS = 10, 15
"""So many people are looked up so often: users.info takes a hundred a minute."""


class RollCall:
    """People move, change their names, and leave. Who has left presses nothing any more, so whoever has a phone is
    looked up once a day, some at a time: whoever stops Callboard would wait for a long round.
    """

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.begun_at = -DAY_SECONDS
        self.left: list[str] = []

    async def __call__(self) -> None:
        """Called every `EVERY_SECONDS`."""
        now = self.desk.board.now()
        if not 0 <= now - self.begun_at < DAY_SECONDS:
            self.left = [user for user, _ in await self.desk.board.read(people.with_phones, MOST)]
            self.desk.met.clear()
            self.begun_at = now
        for _ in self.left[:AT_ONCE]:
            await meet(self.desk, self.left.pop())
