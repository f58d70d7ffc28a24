"""The extensions of a phone service: whose each is, how it is called, and what it is doing. Pure."""

from collections.abc import Mapping, Sequence

import msgspec

from bot.cards import Message, context, header, message, paragraphs, plain, sentence
from bot.names import holds
from bot.orders import Extension

LISTED = 40
"""Of one account; more are found by a part of the name."""


class Listed(msgspec.Struct, frozen=True):
    """What one account answered.

    Attributes:
        found: those that are shown.  more: how many are not.  users: extension's code -> Slack user id.
        wrong: a sentence why there are none.  whole: accounts below it were asked for, too, so each is named.
    """

    title: str
    found: Sequence[Extension] = ()
    more: int = 0
    users: Mapping[str, str] = {}
    wrong: str = ""
    whole: bool = False


def matching(found: Sequence[Extension], wanted: str) -> list[Extension]:
    """Those with that in their name, code, short number or whoever is signed in; by name. `wanted`: "" = all."""
    fits = [one for one in found if holds(" ".join((one.name, one.person, one.code, one.speed_dial)), wanted)]
    return sorted(fits, key=lambda one: (one.name.casefold(), one.code))


def extensions_message(accounts: Sequence[Listed], command: str) -> Message:
    """The answer to `/phone extensions`. `command`: the name of `/phone` in this workspace."""
    blocks = [header("Extensions", "extensions:title")]
    sections = max(1, min(6, 48 // len(accounts) - 2))  # of each account, and two lines that name what is left out
    for number, account in enumerate(accounts):
        lines = [f"*{plain(account.title)}*"] if len(accounts) > 1 else []
        lines += [_line(one, account) for one in account.found]
        if not account.found:
            lines.append(sentence(account.wrong) if account.wrong else "None is called that.")
        blocks += paragraphs(lines, f"extensions:{number}", sections)
        if account.more:
            blocks.append(
                context([f"And {account.more} more: `{command} extensions NAME`."], f"extensions:{number}:others")
            )
    blocks.append(context([f"Link yours with `{command} link extension CODE`."], "extensions:how"))
    return message(blocks)


def _line(one: Extension, account: Listed) -> str:
    user = account.users.get(one.code)
    facts = (
        f"*{plain(one.name or one.code)}*",
        plain(one.code),
        f"short number {plain(one.speed_dial)}" if one.speed_dial else "",
        f"<@{user}>" if user else "",
        plain(one.person) if one.person != one.name else "",
        plain(one.owner) if account.whole else "",
        plain(one.device.lower()),
        "on a call" if one.busy else "",
    )
    return "• " + " · ".join(fact for fact in facts if fact)
