"""The modals. Pure.

Every input block and its one element share a name, by which a submitted view is read. Elements are those that every
Slack client draws. Limits: Slack's pages on views and block elements.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from bot.cards import Block, context, paragraphs, plain_text, safe, section, sentence, shorten, who
from bot.cards.times import MOMENTS
from bot.events import Call
from bot.numbers import pretty

if TYPE_CHECKING:
    from bot.store.people import Contact, Person

NONE = "-"
"""The value of the menu entry that takes a choice back, because Slack lets no value be empty."""

SHOWN = "modal:shown"
"""callback_id of modals that are only read."""

PHONE_KINDS: Mapping[str, str] = {
    "number": "A phone number (mobile or landline)",
    "extension": "An extension of our phone system",
    "login": "A login code on a shared phone",
    "trunk": "The extension behind our SIP trunk",
}
"""Kinds of `provider.RepPhone` -> words on the menu."""

_NOTE_LENGTH = 1000


def call_modal(
    *,
    lines: Sequence[tuple[str, str]],
    accounts: Sequence[tuple[str, str]],
    options: frozenset[str],
    initial: Mapping[str, str],
    private_metadata: str,
) -> Block:
    """Start a call; callback_id `call:order`. Blocks: who, line, account, options, max, note.

    Attributes:
        lines: (E.164 number, label).  accounts: (configured name, title); asked for only when there are several.
        options: fields of `CallOrder` that the provider can express; others are not shown.
        initial: block name -> what stands there at first; `options` holds ticked boxes, such as "record".
    """
    blocks = [
        _text(
            "who",
            "Whom to call",
            initial,
            hint="Your own phone rings first; when you pick up, they are called.",
            placeholder="+1 202 555 0100, a contact's name, or an extension",
            length=150,
        )
    ]
    if lines and "caller_id" in options:
        choices = [(number, _line(number, label)) for number, label in lines]
        blocks.append(_select("line", "Number they see", choices, initial, optional=True, empty="Your default line"))
    if len(accounts) > 1:
        blocks.append(_select("account", "Phone service", accounts, initial))
    if "record" in options:
        blocks.append(_boxes("options", "Options", [("record", "Record from the start")], initial))
    if "max_seconds" in options:
        blocks.append(
            _text(
                "max",
                "End the call after (minutes)",
                initial,
                optional=True,
                placeholder="No limit",
                hint="A whole number of minutes.",
                length=4,
            )
        )
    blocks.append(_text("note", "Note for yourself", initial, optional=True, multiline=True, length=_NOTE_LENGTH))
    return _modal("Start a call", blocks, "call:order", private_metadata, submit="Call")


def wrap_modal(call: Call, dispositions: Sequence[str], *, contact: "Contact | None" = None) -> Block:
    """How did it go? callback_id `call:wrapped`, private_metadata the call's id. Blocks: disposition, note, later.

    `later` is a choice of `times.MOMENTS`; unset without a reminder.
    """
    blocks: list[Block] = [section(f"The call with {who(call.number, call.name, contact)}", "about")]
    names = list(dict.fromkeys(said for name in (*dispositions, call.disposition) if (said := _typed(name, 75))))
    initial = {"disposition": _typed(call.disposition, 75), "note": call.note}
    if names:
        blocks.append(_select("disposition", "How it went", [(name, name) for name in names], initial, optional=True))
    blocks.append(_text("note", "Note", initial, optional=True, multiline=True, length=_NOTE_LENGTH))
    if call.number:
        choices = list(MOMENTS.items())
        blocks.append(_select("later", "Remind me to call again", choices, {}, optional=True, empty="No reminder"))
    return _modal("How did it go?", blocks, "call:wrapped", call.id, submit="Save")


def later_modal(call: Call, *, contact: "Contact | None" = None) -> Block:
    """Call later; callback_id `call:remind`, private_metadata the call's id. Blocks: when, day, time.

    `when` is a choice of `times.MOMENTS`; if `day` ("2026-03-04") is filled it goes before, with `time` ("14:30").
    """
    blocks: list[Block] = [
        section(f"Callboard reminds you to call {who(call.number, call.name, contact)}.", "about"),
        _select("when", "When", list(MOMENTS.items()), {"when": "1h"}, optional=True),
        _input("day", "Or on a day of your choice", {"type": "datepicker"}, optional=True),
        _text(
            "time",
            "At what time that day",
            {},
            optional=True,
            placeholder="09:00",
            hint="Your local time, like 14:30. Empty means 09:00.",
            length=5,
        ),
    ]
    return _modal("Call later", blocks, "call:remind", call.id, submit="Remind me")


def phone_modal(
    person: "Person",
    accounts: Sequence[tuple[str, str, frozenset[str]]],
    lines: Sequence[tuple[str, str]],
    *,
    private_metadata: str = "",
) -> Block:
    """Link my phone; callback_id `phone:saved`. Blocks: kind, phone, account, extension, line (`NONE` = the default).

    Attributes:
        accounts: (configured name, title, kinds of phone it can ring first); asked for only when there are several.
        lines: (E.164 number, label).
    """
    kinds = frozenset[str]().union(*(account[2] for account in accounts)) or frozenset({"number"})
    shown = [(kind, words) for kind, words in PHONE_KINDS.items() if kind in kinds]
    initial = {
        "kind": person.phone_kind or shown[0][0],
        "phone": pretty(person.phone),
        "account": person.account,
        "extension": person.extension,
        "line": person.line,
    }
    blocks = [
        section("This phone rings first whenever you start a call.", "about"),
        _select("kind", "What rings", shown, initial),
        _text(
            "phone",
            "Its number, extension or code",
            initial,
            optional="trunk" in kinds,
            placeholder="+1 202 555 0100",
            hint="Leave it empty only for the extension behind a SIP trunk." if "trunk" in kinds else "",
            length=100,
        ),
    ]
    if len(accounts) > 1:
        blocks.append(_select("account", "Phone service", [(name, title) for name, title, _ in accounts], initial))
    blocks.append(
        _text(
            "extension",
            "Your extension's code there",
            initial,
            optional=True,
            hint="With it, incoming calls to your extension are shown to you.",
            length=100,
        )
    )
    if lines:
        choices = [(NONE, "The service's default"), *((number, _line(number, label)) for number, label in lines)]
        blocks.append(_select("line", "Number people see when you call", choices, initial, optional=True))
    return _modal("My phone", blocks, "phone:saved", private_metadata, submit="Save")


def confirm_modal(title: str, text: str, callback_id: str, private_metadata: str, *, submit: str = "Yes") -> Block:
    """A question before something is done. `text`: mrkdwn, not empty; escaped here."""
    return _modal(
        title, paragraphs([safe(text)], "ask", 90), callback_id, private_metadata, submit=submit, close="Cancel"
    )


def loading_modal(title: str) -> Block:
    """Opened at once, because a trigger lives 3 s; filled by `views.update` afterwards."""
    return _modal(title, [section("One moment…", "wait")], SHOWN, "")


def error_modal(title: str, words: str) -> Block:
    """What was not done, why, what to do next. `words` as an error says it; escaped here."""
    return _modal(title, [section(sentence(words, 2900) or "Nothing was done. Try again.", "error")], SHOWN, "")


def notice_modal(title: str, lines: Iterable[str]) -> Block:
    """Something to read, such as what the digest's figures mean. Lines: mrkdwn, escaped here."""
    blocks = paragraphs(map(safe, lines), "notice", 90) or [context(["There is nothing to show."], "notice:none")]
    return _modal(title, blocks, SHOWN, "")


def _modal(
    title: str,
    blocks: Sequence[Block],
    callback_id: str,
    private_metadata: str,
    *,
    submit: str = "",
    close: str = "",
) -> Block:
    view: Block = {
        "type": "modal",
        "callback_id": callback_id,
        "title": plain_text(title, 24),
        "blocks": list(blocks),
        "close": plain_text(close or ("Cancel" if submit else "Close"), 24),
    }
    if private_metadata:
        view["private_metadata"] = private_metadata
    if submit:
        view["submit"] = plain_text(submit, 24)
    return view


def _typed(text: str, limit: int) -> str:
    """As it was typed, without the lone surrogates that JSON cannot carry."""
    return shorten(text.encode(errors="ignore").decode().strip(), limit)


def _line(number: str, label: str) -> str:
    return f"{label} ({pretty(number)})" if label and label != number else pretty(number)


def _input(name: str, label: str, element: Block, *, optional: bool = False, hint: str = "") -> Block:
    block: Block = {
        "type": "input",
        "block_id": name,
        "label": plain_text(label, 2000),
        "element": {**element, "action_id": name},
        "optional": optional,
    }
    if hint:
        block["hint"] = plain_text(hint, 2000)
    return block


def _text(
    name: str,
    label: str,
    initial: Mapping[str, str],
    *,
    optional: bool = False,
    multiline: bool = False,
    placeholder: str = "",
    hint: str = "",
    length: int,
) -> Block:
    element: Block = {"type": "plain_text_input", "multiline": multiline, "max_length": length}
    if placeholder:
        element["placeholder"] = plain_text(placeholder, 150)
    if _typed(initial.get(name, ""), length):
        element["initial_value"] = _typed(initial[name], length)
    return _input(name, label, element, optional=optional, hint=hint)


def _option(value: str, label: str) -> Block:
    return {"text": plain_text(label or value, 75), "value": value}


def _select(
    name: str,
    label: str,
    choices: Sequence[tuple[str, str]],
    initial: Mapping[str, str],
    *,
    optional: bool = False,
    empty: str = "Choose…",
) -> Block:
    """A menu of (value, label); over 100 choices become groups of 100, as Slack asks for."""
    options = [_option(value, text) for value, text in choices if value and len(value) <= 150]
    element: Block = {"type": "static_select", "placeholder": plain_text(empty, 150)}
    if len(options) <= 100:
        element["options"] = options
    else:
        element["option_groups"] = [
            {"label": plain_text(f"{start + 1} to {min(start + 100, len(options))}", 75), "options": chunk}
            for start in range(0, min(len(options), 10_000), 100)
            if (chunk := options[start : start + 100])
        ]
    chosen = next((option for option in options if option["value"] == initial.get(name)), None)
    if chosen:
        element["initial_option"] = chosen
    return _input(name, label, element, optional=optional)


def _boxes(name: str, label: str, choices: Sequence[tuple[str, str]], initial: Mapping[str, str]) -> Block:
    options = [_option(value, text) for value, text in choices]
    element: Block = {"type": "checkboxes", "options": options}
    ticked = [option for option in options if option["value"] in initial.get(name, "").replace(",", " ").split()]
    if ticked:
        element["initial_options"] = ticked
    return _input(name, label, element, optional=True)
