"""Whether somebody takes calls: what they set last, and what there is to choose. Pure."""

from collections.abc import Mapping

from bot.cards import Message, actions, day_clock, message, plain, plain_text, section
from bot.cards.forms import option


def presence_message(
    title: str,
    account: str,
    statuses: Mapping[str, str],
    *,
    status: str,
    at: float,
    known: bool,
    command: str,
    now: float,
    zone: str,
) -> Message:
    """`statuses`: key -> name. `status`, `at`: set last, "" = never. `known`: the service was told who they are.

    `command`: the name of `/phone` in this workspace.
    """
    names = ", ".join(plain(name) for name in statuses.values())
    # It may have been changed at the service since: nobody tells us.
    last = f"{plain(statuses[status])}, {day_clock(at, now, zone)}" if status in statuses else "nothing yet"
    lines = [
        f"*Your status at {plain(title)}*, last set from here: {last}.",
        f"There are: {names}.",
        f"Set it below, or like `{command} status {plain(next(iter(statuses.values())))}`."
        if known
        else f"Tell {plain(title)} who you are first, with your user id there: `{command} status as 12345`.",
    ]
    blocks = [section("\n".join(lines), "presence:now")]
    if known:
        menu = {
            "type": "static_select",
            "action_id": "presence:set",
            "placeholder": plain_text("Choose a status…", 150),
            "options": [option(f"{account} {key}", name) for key, name in statuses.items()],
        }
        blocks.append(actions([menu], "presence:choose"))
    return message(blocks)
