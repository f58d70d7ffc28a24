"""What somebody typed after `/call conference` -> which conference, and whom to call into it. Pure.

    conference <code> <who>[, <who> ...] [from LINE] [via PROVIDER] [max 30m]

`me` is whoever types. Finding names, lines and providers is the caller's business, as after `/call`.
"""

import re

import msgspec

from bot import slack_text, who
from bot.errors import BadInput

EXAMPLE = "Example: conference 4711 me, @sam, +1 202 555 0100."
MOST = 10
"""Whom one command calls. Each is a call of its own."""

_BEGINS = re.compile(
    r"conference\s+(?P<code>[A-Za-z0-9]{0,31}\d[A-Za-z0-9]{0,31})(?P<rest>\s.*)?", re.IGNORECASE | re.DOTALL
)
_PART = re.compile(r'<[^<>]*>|["“„«”][^"“„«”»]*["”“»]|(?P<comma>[,;\n])|[^,;\n<"“„«”]+|.', re.DOTALL)


class Me(msgspec.Struct, frozen=True):
    """Whoever types, on their own phone."""


Guest = who.Number | who.Mention | who.Extension | who.Name | Me


class ConferenceText(msgspec.Struct, frozen=True):
    """A read `/call conference`. `line`, `provider`, `max_seconds`: as of `who.CallText`."""

    code: str
    guests: tuple[Guest, ...]
    line: str = ""
    provider: str = ""
    max_seconds: int | None = None


def parse(text: str, region: str) -> ConferenceText | None:
    """Read the text of `/call`; None: it is about no conference, but some other call (a contact may be called so).

    Raises:
        BadInput: a full sentence with what was not understood and an example. Nothing was dialled.
    """
    typed = slack_text.without_links(text)
    if typed.strip().casefold() == "conference":
        raise BadInput(f"Say which conference, and whom to call into it. Nothing was dialled. {EXAMPLE}")
    match = _BEGINS.fullmatch(typed)
    if match is None:
        return None
    parts = _parts((match["rest"] or "").strip())
    if parts == [""]:
        raise BadInput(
            f"Say whom to call into conference {match['code']}; put it in quotes if it is a contact's name. "
            f"Nothing was dialled. {EXAMPLE}"
        )
    if "" in parts:
        raise BadInput(f"Nobody stands between two commas. Nothing was dialled. {EXAMPLE}")
    read = [_read(part, region) for part in parts]
    if any(one != who.CallText(one.who) for one in read[:-1]):
        raise BadInput(f"“from”, “via” and “max” go to the end, after everybody. Nothing was dialled. {EXAMPLE}")
    last = read[-1]
    if last.record or last.scenario or last.note:
        raise BadInput(f"A conference takes “from”, “via” and “max” only. Nothing was dialled. {EXAMPLE}")
    guests = tuple(dict.fromkeys(_guest(one) for one in read))
    if len(guests) > MOST:
        raise BadInput(f"These are {len(guests)}, and one command calls {MOST} at most. Nothing was dialled.")
    return ConferenceText(match["code"], guests, last.line, last.provider, last.max_seconds)


def _parts(text: str) -> list[str]:
    parts = [""]
    for match in _PART.finditer(text):
        if match["comma"]:
            parts.append("")
        else:
            parts[-1] += match[0]
    return [part.strip() for part in parts]


def _read(text: str, region: str) -> who.CallText:
    try:
        return who.parse(text, region)
    except BadInput as error:
        raise BadInput(f"{str(error).removesuffix(who.EXAMPLE).strip()} Nothing was dialled. {EXAMPLE}") from error


def _guest(read: who.CallText) -> Guest:
    match read.who:
        case who.Name(name) if name.casefold() == "me":
            return Me()
        case who.Number() | who.Mention() | who.Extension() | who.Name():
            return read.who
        case _:
            raise BadInput(f"Name everybody: a number, a contact, an extension or a colleague. {EXAMPLE}")
