"""What people see in Slack, as pure functions: state in, Block Kit and text out. One module per card.

Three rules hold for every card. Its `text` is made from its blocks, because screen readers and notifications read
`text` and not the blocks. Names and notes from outside pass `plain()`, sentences that may quote somebody pass `safe()`.
Nothing is said by an emoji or a colour alone. Limits: Slack's pages on Block Kit.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from bot.cards.times import about, at_clock, clock, date_clock, day_clock, duration, timer
from bot.numbers import masked as masked_number
from bot.numbers import pretty

if TYPE_CHECKING:
    from bot.store.contacts import Contact

__all__ = [
    "VALUE_LIMIT",
    "Block",
    "Message",
    "about",
    "actions",
    "at_clock",
    "button",
    "clock",
    "confirm",
    "context",
    "cut",
    "date_clock",
    "day_clock",
    "duration",
    "escape",
    "header",
    "image",
    "line_words",
    "message",
    "paragraphs",
    "plain",
    "plain_text",
    "price",
    "rep_words",
    "safe",
    "section",
    "sentence",
    "shorten",
    "timer",
    "upper_first",
    "who",
    "who_plain",
]

Block = dict[str, Any]
"""One block, element or view as the JSON that Slack takes."""

TEXT_LIMIT = 3000
"""Characters of a section. Page "Section block"."""
MESSAGE_LIMIT = 4000
"""Characters of a message's `text`; chat.update refuses more. Page "chat.update"."""
ALT_LIMIT = 2000
"""Characters of an image's words. Page "Image block"."""
VALUE_LIMIT = 2000
"""Characters that a button carries. Page "Button element"."""
NAME_LIMIT = 80
"""Ours: longer names are cut, a card is not a page."""
NOTE_LIMIT = 400
"""Ours, for the same reason."""

_SLACK_USER = re.compile(r"[UW][A-Z0-9]{2,20}")
_BARE_AMPERSAND = re.compile(r"&(?!(?:amp|lt|gt);)")
_MENTION_OR_ANGLE = re.compile(r"<@[UW][A-Z0-9]{2,20}>|<#[CG][A-Z0-9]{1,20}>|[<>]")
_HALF_TOKEN = re.compile(r"(&[a-z]{0,3}|<[^<>]*)$")
# Signs that would format Slack's mrkdwn -> letters that look the same and do nothing.
_HARMLESS = str.maketrans({"*": "∗", "_": "ˍ", "~": "∼", "`": "ˋ"})
# Plain text interprets nothing, but escaping it would show; so nothing in it may look as if it could ring.
_ANGLES = str.maketrans({"<": "‹", ">": "›"})
# Marks that turn the writing direction of everything after them.
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class Message(msgspec.Struct, frozen=True):
    """A message. `text` says everything that the blocks say, in words.

    Attributes:
        text: mrkdwn without bold, at most 4,000 characters.
    """

    text: str
    blocks: tuple[Block, ...]


# Words from outside.


def escape(text: str) -> str:
    """For mrkdwn: "<!channel>" in a caller's name rings nobody and a link cannot be faked."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _units(text: str) -> int:
    """Length as Slack's clients count it, UTF-16 units: an emoji counts double."""
    return len(text) + sum(char > "\uffff" for char in text)


def shorten(text: str, limit: int) -> str:
    """At most `limit` UTF-16 units, with "…" where something was cut."""
    if _units(text) <= limit:
        return text
    text = text[:limit]
    while _units(text) > limit - 1:
        text = text[:-1]
    return text.rstrip() + "…"


def cut(text: str, limit: int) -> str:
    """`shorten()` for mrkdwn: never leaves half an entity or half a mention behind."""
    if _units(text) <= limit:
        return text
    return _HALF_TOKEN.sub("", shorten(text, limit).removesuffix("…")).rstrip() + "…"


def _one_line(text: str, limit: int) -> str:
    """Without line breaks, control characters, lone surrogates and turned writing direction."""
    visible = (
        " " if char.isspace() else char
        for char in text[: limit * 4]
        if char.isspace() or (char not in _TURNING and unicodedata.category(char) not in ("Cc", "Cs", "Cn"))
    )
    return shorten(" ".join("".join(visible).split()), limit)


def plain(text: str, limit: int = NAME_LIMIT) -> str:
    """Outside words inside our mrkdwn: one line, cut to `limit`, no formatting, no mention, no link.

    Hebrew and Arabic are isolated, so that a number beside them keeps its order.
    """
    line = escape(_one_line(text, limit).translate(_HARMLESS))
    rightward = any(unicodedata.bidirectional(char) in ("R", "AL", "AN") for char in line)
    return f"\u2068{line}\u2069" if rightward else line


def safe(text: str) -> str:
    """Words of ours that may quote outside words, escaped where they are not yet; mentions stay.

    Safe to apply twice, unlike `escape()`: notices and digests are put together in many places.
    """
    text = _BARE_AMPERSAND.sub("&amp;", text)
    return _MENTION_OR_ANGLE.sub(lambda found: escape(found[0]) if len(found[0]) == 1 else found[0], text)


def sentence(text: str, limit: int = 600) -> str:
    """`safe()` on one line, cut to `limit`: an error's sentence, a provider's words."""
    return cut(safe(_one_line(text, limit)), limit)


def upper_first(text: str) -> str:
    """With a capital first letter; the rest as it is."""
    return text[:1].upper() + text[1:]


# Who and how much.


def _who(number: str, name: str, contact: "Contact | None", masked: bool) -> tuple[str, str, str]:
    """(name, company, number to show), raw."""
    name = contact.name if contact and contact.name.strip() else name
    company = contact.company if contact else ""
    digits, name_digits = _digits(number), _digits(name)
    if len(name_digits) >= 5 and (name_digits in digits or digits in name_digits):
        name = ""  # many networks send the number again as the name; it must not undo the masking
    return name, company, (masked_number(number) if masked else pretty(number))


def _digits(text: str) -> str:
    return "".join(char for char in text if char.isdecimal())


def who(
    number: str, name: str = "", contact: "Contact | None" = None, *, masked: bool = False, called: bool = False
) -> str:
    """The outside party, mrkdwn: "Dana Levi (Acme), +1 202-555-0100", the number alone, or "a withheld number".

    The contact book's name goes before the name that the network told. `called`: it is they who were called, so that
    nobody has withheld the number.
    """
    person, company, shown = (plain(part) for part in _who(number, name, contact, masked))
    return _joined(person, company, shown, called)


def who_plain(
    number: str, name: str = "", contact: "Contact | None" = None, *, masked: bool = False, called: bool = False
) -> str:
    """The same for plain_text objects and labels, where nothing is interpreted."""
    person, company, shown = (_one_line(part, NAME_LIMIT) for part in _who(number, name, contact, masked))
    return _joined(person, company, shown, called)


def _joined(person: str, company: str, number: str, called: bool) -> str:
    number = number or ("a number that was not told" if called else "a withheld number")
    if not person:
        return f"{number} ({company})" if company else number
    return f"{person} ({company}), {number}" if company else f"{person}, {number}"


def rep_words(user: str, person: str = "", extension: str = "") -> str:
    """One of ours: a mention where the Slack user is known, else the provider's name or extension, else ""."""
    if _SLACK_USER.fullmatch(user):
        return f"<@{user}>"
    if user or person:
        return plain(user or person)
    return f"extension {plain(extension)}" if extension else ""


def line_words(line: str, queue: str = "") -> str:
    """Our side of a call: "queue Sales, line +1 202-555-0199"; "" where neither is known."""
    parts = [f"queue {plain(queue)}" if queue else "", f"line {plain(pretty(line))}" if line else ""]
    return ", ".join(part for part in parts if part)


def price(amount: float | None, currency: str) -> str:
    """ "0.05 EUR"; "" where the price was not told, or is nothing."""
    if amount is None or not round(amount, 4):
        return ""
    whole, _, fraction = f"{amount:.4f}".partition(".")
    return f"{whole}.{fraction.rstrip('0').ljust(2, '0')} {plain(currency, 10)}".strip()


# Blocks.


def header(text: str, block_id: str) -> Block:
    """A header; `text` is shown as it is."""
    return {"type": "header", "block_id": block_id, "text": plain_text(text, 150)}


def section(text: str, block_id: str, accessory: Block | None = None) -> Block:
    """A section of mrkdwn, cut to what Slack takes. Bare addresses in it do not become links."""
    block: Block = {"type": "section", "block_id": block_id, "text": _mrkdwn(text)}
    if accessory:
        block["accessory"] = accessory
    return block


def context(texts: Sequence[str], block_id: str) -> Block:
    """Small print, the texts with dots between; empty ones are left out. At least one must not be empty."""
    shown = " · ".join(text for text in texts if text)
    return {"type": "context", "block_id": block_id, "elements": [_mrkdwn(shown)]}


def image(file: str, alt: str, block_id: str) -> Block:
    """A picture by Slack's id of its file. `alt` is what it says in words, plain, cut to what Slack takes."""
    return {"type": "image", "block_id": block_id, "slack_file": {"id": file}, "alt_text": _one_line(alt, ALT_LIMIT)}


def paragraphs(lines: Iterable[str], block_id: str, limit: int = 40) -> list[Block]:
    """Lines of mrkdwn as few sections as Slack's 3,000 characters allow; more than `limit` sections are named."""
    texts: list[str] = []
    for line in lines:
        for piece in _pieces(line):
            if texts and _units(texts[-1]) + _units(piece) + 1 <= TEXT_LIMIT:
                texts[-1] += "\n" + piece
            else:
                texts.append(piece)
    blocks = [section(text, f"{block_id}:{index}") for index, text in enumerate(texts[:limit])]
    if len(texts) > limit:
        blocks.append(context(["There is more than fits into one message; the rest is left out."], f"{block_id}:more"))
    return blocks


def _pieces(line: str) -> list[str]:
    """A line in pieces that a section takes, broken at a blank and never inside an entity or mention."""
    pieces: list[str] = []
    line = line.strip()
    while _units(line) > TEXT_LIMIT:
        head = shorten(line, TEXT_LIMIT).removesuffix("…")
        blank = max(head.rfind("\n"), head.rfind(" "))
        head = head[:blank] if blank > TEXT_LIMIT // 2 else _HALF_TOKEN.sub("", head) or head
        pieces.append(head)
        line = line[len(head) :].lstrip()
    return [*pieces, line] if line else pieces


def actions(elements: Sequence[Block], block_id: str) -> Block:
    """A row of buttons and menus; at least one."""
    return {"type": "actions", "block_id": block_id, "elements": list(elements)}


def button(
    label: str,
    action_id: str,
    value: str,
    *,
    style: Literal["primary", "danger", ""] = "",
    about: str = "",
    ask: Block | None = None,
) -> Block:
    """A button. `about` is what it concerns, for screen readers: "Hang up: Dana Levi". `ask` comes from `confirm()`.

    Raises:
        ValueError: it cannot carry that much, and half of a value would mean something else.
    """
    if len(value) > VALUE_LIMIT:
        raise ValueError(f"The button {action_id} cannot carry {len(value)} characters.")
    element: Block = {
        "type": "button",
        "action_id": action_id,
        "text": plain_text(label, 75),
    }
    if value:
        element["value"] = value
    if about:
        element["accessibility_label"] = _one_line(f"{label}: {about}".translate(_ANGLES), 75)
    if style:
        element["style"] = style
    if ask:
        element["confirm"] = ask
    return element


def confirm(title: str, text: str, yes: str, no: str, *, danger: bool = False) -> Block:
    """The question before a button acts. All plain text."""
    block: Block = {
        "title": plain_text(title, 100),
        "text": plain_text(text, 300),
        "confirm": plain_text(yes, 30),
        "deny": plain_text(no, 30),
    }
    if danger:
        block["style"] = "danger"
    return block


def plain_text(text: str, limit: int) -> Block:
    """A plain_text object: one line, cut to `limit`; "…" where there is nothing to show."""
    return {"type": "plain_text", "text": _one_line(text.translate(_ANGLES), limit) or "…", "emoji": True}


def _mrkdwn(text: str) -> Block:
    return {"type": "mrkdwn", "text": cut(text, TEXT_LIMIT), "verbatim": True}


# Messages.


def message(blocks: Sequence[Block], text: str = "") -> Message:
    """A message whose text is read off its blocks, or is `text` where that says more, and what can be pressed."""
    unsaid = [block for block in blocks if not text or block["type"] == "actions"]
    words = [text, *map(_read, unsaid)]
    return Message(cut("\n".join(filter(None, words)), MESSAGE_LIMIT), tuple(blocks))


def _read(block: Mapping[str, Any]) -> str:
    """What a block of ours says, without bold; the last kind is a row of buttons."""
    match block["type"]:
        case "header":
            return escape(str(block["text"]["text"]))
        case "section":
            words = str(block["text"]["text"]).replace("*", "")
            return f"{words}\n{_offers([block['accessory']])}" if "accessory" in block else words
        case "context":
            return str(block["elements"][0]["text"]).replace("*", "")
        case "image":
            return escape(str(block["alt_text"]))
        case _:
            return _offers(block["elements"])


def _offers(elements: Iterable[Mapping[str, Any]]) -> str:
    return "You can: " + ", ".join(f"“{_choice(element)}”" for element in elements) + "."


def _choice(element: Mapping[str, Any]) -> str:
    if element["type"] == "button":
        return str(element["text"]["text"])
    return str(element["placeholder"]["text"]).rstrip("…")
