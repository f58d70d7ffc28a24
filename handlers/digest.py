"""`/digest`: subscribe a channel, show now, list, stop; and the digest card's buttons."""

from datetime import UTC, datetime

import msgspec
from slack_bolt.async_app import AsyncApp

from bot import digests, periods
from bot.board import Board
from bot.cards import day_clock
from bot.cards.digest import digest_card
from bot.cards.help import help_message
from bot.digest import DEFINITIONS
from bot.errors import NotAllowed
from bot.periods import Subscription
from bot.slack_api import UNREACHED, code_of
from bot.store import ledger, people
from handlers import Click, Desk, answer, on_actions, on_command, tell, waiting


def register(app: AsyncApp, desk: Desk) -> None:
    """All listeners of this feature."""
    on_command(app, desk, "digest", command)
    on_actions(app, desk, "digest", {"definitions": (definitions, None), "waiting": (waiting.show, None)})


async def command(desk: Desk, click: Click) -> None:
    """`/digest …`."""
    person = await desk.board.read(people.person, click.user)
    zone = person.zone or desk.board.settings.zone
    match periods.parse(click.text, zone):
        case periods.Help():
            await answer(desk, click, help_message("digest", desk.board.settings.commands))
        case periods.Now():
            await _now(desk, click, zone)
        case periods.List():
            await tell(desk, click, await _list(desk.board, _place(click), zone))
        case periods.Stop():
            await _stop(desk, click)
        case Subscription() as subscription:
            await _subscribe(desk, click, subscription)


def _place(click: Click) -> str:
    """Where a digest asked for here is posted: the channel, or the person's conversation with the app."""
    return f"@{click.user}" if click.channel.startswith("D") else click.channel


async def _now(desk: Desk, click: Click, zone: str) -> None:
    board = desk.board
    period = periods.today_so_far(zone, datetime.fromtimestamp(board.now(), UTC))
    await answer(desk, click, digest_card(await digests.payload(board, period, zone, _place(click), click.user)))


async def _list(board: Board, place: str, zone: str) -> str:
    found = await board.read(ledger.subscriptions, place)
    if not found:
        return "No digest is posted here by itself. Subscribe with `/digest daily 18:00`, or look at `/digest now`."
    now = datetime.fromtimestamp(board.now(), UTC)
    lines = []
    for _, kind, body, _ in found:
        subscription = msgspec.json.decode(body, type=Subscription)
        following = await _next(board, place, kind, subscription, now)
        lines.append(f"• {subscription.words}; the next one: {day_clock(following, board.now(), subscription.zone)}")
    return "Posted here by itself:\n" + "\n".join(lines)


async def _next(board: Board, place: str, kind: str, subscription: Subscription, now: datetime) -> float:
    """When the next one is posted, seconds since 1970 UTC. Moved to a later hour, today's may have been sent before."""
    following = periods.next_due(subscription, now)
    for period in periods.periods_due(subscription, now, following):
        if await board.read(ledger.digest_sent, place, kind, period.key, now.timestamp()):
            following = periods.next_due(subscription, following)
    return following.timestamp()


async def _subscribe(desk: Desk, click: Click, subscription: Subscription) -> None:
    board, place = desk.board, _place(click)
    if not place.startswith("@"):
        _check_manager(desk, click)
        await _check_member(desk, click.channel)
    body = msgspec.json.encode(subscription)
    await board.write(ledger.subscribe, place, subscription.kind, body, click.user, board.now())
    await board.write(ledger.audit, board.now(), click.user, "digest", place, subscription.words)
    await tell(desk, click, await _list(board, place, subscription.zone))


async def _stop(desk: Desk, click: Click) -> None:
    board, place = desk.board, _place(click)
    if not place.startswith("@"):
        _check_manager(desk, click)
    count = await board.write(ledger.unsubscribe, place)
    if count:
        await board.write(ledger.audit, board.now(), click.user, "digest stop", place)
    done = "No digest is posted here by itself any more." if count else "No digest was posted here by itself anyway."
    await tell(desk, click, done)


def _check_manager(desk: Desk, click: Click) -> None:
    if desk.board.settings.role(click.user) == "rep":
        raise NotAllowed(
            "Only managers and admins decide what is posted in channels, so nothing was changed. "
            "Use `/digest now`, or subscribe in your own conversation with Callboard."
        )


async def _check_member(desk: Desk, channel: str) -> None:
    """A digest that cannot be posted is refused when it is asked for, not at 18:00."""
    try:
        found = (await desk.slack.conversations_info(channel=channel))["channel"]
    except UNREACHED as error:
        # A private channel is not even known to exist before we are in it.
        if code_of(error) not in ("channel_not_found", "missing_scope"):
            raise NotAllowed(
                "Slack did not say whether Callboard may post here, so nothing was changed. Try again in a minute."
            ) from error
        found = {}
    if not found.get("is_member"):
        raise NotAllowed(
            "Callboard is not a member here, so it could not post and nothing was changed. "
            "Type `/invite @Callboard`, then try again."
        )


async def definitions(desk: Desk, click: Click) -> None:
    """*What do these mean?*"""
    words = "\n".join(f"• *{name.replace('_', ' ')}*: {meaning}" for name, meaning in DEFINITIONS.items())
    await tell(desk, click, f"What the figures mean:\n{words}")
