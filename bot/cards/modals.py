"""The modals. Pure. Elements are those that every Slack client draws."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from bot.call import Call
from bot.cards import Block, section, sentence, who
from bot.cards.forms import CLOCK_LENGTH, any_input, boxes_input, form, select_input, text_input, typed
from bot.cards.times import MOMENTS
from bot.numbers import pretty
from bot.who import LONGEST_TONES

if TYPE_CHECKING:
    from bot.store.contacts import Contact
    from bot.store.people import Person

NONE = "-"
"""The value of the menu entry that takes a choice back, because Slack lets no value be empty."""

SHOWN = "modal:shown"
"""callback_id of modals that are only read."""

PHONE_KINDS: Mapping[str, str] = {
    "number": "A phone number (mobile or landline)",
    "extension": "An extension of our phone system",
    "login": "A login code on a shared phone",
    "trunk": "The extension behind our SIP trunk",
    "employee": "An employee of our phone system, by id",
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
    """Start a call; callback_id `call:order`. Blocks: who, digits, line, account, options, max, scenario, note.

    Attributes:
        lines: (E.164 number, label).  accounts: (configured name, title); asked for only when there are several.
        options: fields of `CallOrder` that the provider can express; others are not shown.
        initial: block name -> what stands there at first; `options` holds ticked boxes, such as "record".
    """
    blocks = [
        text_input(
            "who",
            "Whom to call",
            initial,
            hint="Your own phone rings first; when you pick up, they are called.",
            placeholder="+1 202 555 0100, a contact's name, or an extension",
            length=150,
        )
    ]
    if "dial_digits" in options:
        blocks.append(
            text_input(
                "digits",
                "Extension behind their switchboard",
                initial,
                optional=True,
                placeholder="123",
                hint="Dialled once they have answered. A comma waits two seconds: ,,1,,23#",
                length=LONGEST_TONES,
            )
        )
    if lines and "caller_id" in options:
        choices = [(number, _line(number, label)) for number, label in lines]
        blocks.append(
            select_input("line", "Number they see", choices, initial, optional=True, empty="Your default line")
        )
    if len(accounts) > 1:
        usual = "Your usual one"  # the line's, else that of their own phone
        blocks.append(select_input("account", "Phone service", accounts, initial, optional=True, empty=usual))
    if "record" in options:
        blocks.append(boxes_input("options", "Options", [("record", "Record from the start")], initial))
    if "max_seconds" in options:
        blocks.append(
            text_input(
                "max",
                "End the call after (minutes)",
                initial,
                optional=True,
                placeholder="As long as usual",
                hint="A whole number of minutes.",
                length=4,
            )
        )
    if "scenario" in options:
        blocks.append(
            text_input(
                "scenario",
                "Scenario that handles the call",
                initial,
                optional=True,
                hint="Its id at the phone service, or “line” for that of the line itself. Empty: a plain call.",
                length=40,
            )
        )
    blocks.append(text_input("note", "Note on the call", initial, optional=True, multiline=True, length=_NOTE_LENGTH))
    return form("Start a call", blocks, "call:order", private_metadata, submit="Call")


def wrap_modal(
    call: Call,
    dispositions: Sequence[str],
    *,
    contact: "Contact | None" = None,
    masked: bool = False,
    reminder: str = "",
) -> Block:
    """How did it go? callback_id `call:wrapped`, private_metadata the call's id. Blocks: disposition, note, later.

    `later` is a choice of `times.MOMENTS`, or `NONE` to take the reminder back; unset it stays as it is.
    `masked`: it is opened from a card that hides the number; then the note is not shown, and no reminder offered.
    `reminder`: when whoever opens it is reminded, in words, "" = never.
    """
    blocks: list[Block] = [section(f"The call with {who(call.number, call.name, contact, masked=masked)}", "about")]
    names = list(dict.fromkeys(said for name in (*dispositions, call.disposition) if (said := typed(name, 75))))
    initial = {"disposition": typed(call.disposition, 75), "note": "" if masked else call.note}
    if names:
        choices = [(name, name) for name in names]
        if initial["disposition"]:
            choices.append((NONE, "Nothing: take it back"))
        blocks.append(select_input("disposition", "How it went", choices, initial, optional=True))
    blocks.append(text_input("note", "Note", initial, optional=True, multiline=True, length=_NOTE_LENGTH))
    if call.number and not masked:
        so_far = f"As it is: {reminder}" if reminder else "No reminder"
        moments = _moments(reminder)
        blocks.append(select_input("later", "Remind me to call again", moments, {}, optional=True, empty=so_far))
    return form("How did it go?", blocks, "call:wrapped", call.id, submit="Save")


def later_modal(call: Call, *, contact: "Contact | None" = None, reminder: str = "") -> Block:
    """Call later; callback_id `call:remind`, private_metadata the call's id. Blocks: when, day, time.

    `reminder`: as of `wrap_modal()`.
    """
    so_far = f" So far: {reminder}." if reminder else ""
    about = section(f"Callboard reminds you to call {who(call.number, call.name, contact)}.{so_far}", "about")
    submit = "Save" if reminder else "Remind me"
    return form("Call later", [about, *later_inputs(reminder)], "call:remind", call.id, submit=submit)


def _moments(reminder: str) -> list[tuple[str, str]]:
    return [*MOMENTS.items(), *([(NONE, "Not at all: take the reminder back")] if reminder else [])]


def later_inputs(reminder: str = "") -> list[Block]:
    """When to call. Blocks: when, day, time.

    `when` is a choice of `times.MOMENTS`, or `NONE` where there is a reminder; if `day` ("2026-03-04") is filled it
    goes before, with `time` ("14:30").
    """
    return [
        select_input("when", "When", _moments(reminder), {"when": "1h"}, optional=True),
        any_input("day", "Or on a day of your choice", {"type": "datepicker"}, optional=True),
        text_input(
            "time",
            "At what time that day",
            {},
            optional=True,
            placeholder="09:00",
            hint="Your local time, like 14:30. Empty means 09:00.",
            length=CLOCK_LENGTH,
        ),
    ]


def phone_modal(
    person: "Person",
    accounts: Sequence[tuple[str, str, frozenset[str]]],
    lines: Sequence[tuple[str, str]],
    *,
    private_metadata: str = "",
) -> Block:
    """Link my phone; callback_id `phone:saved`. Blocks: kind, phone, account (`NONE` = any), extension, line (`NONE` =
    the default).

    Attributes:
        accounts: (configured name, title, kinds of phone it can ring first); asked for only when there are several.
        lines: (E.164 number, label).
    """
    kinds = frozenset[str]().union(*(account[2] for account in accounts)) or frozenset({"number"})
    shown = [(kind, words) for kind, words in PHONE_KINDS.items() if kind in kinds]
    initial = {
        "kind": person.phone_kind or shown[0][0],
        "phone": pretty(person.phone),
        "account": person.account or NONE,
        "extension": person.extension,
        "line": person.line,
    }
    blocks = [
        section("This phone rings first whenever you start a call.", "about"),
        select_input("kind", "What rings", shown, initial),
        text_input(
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
        services = [(NONE, "Any, for a phone number"), *((name, title) for name, title, _ in accounts)]
        blocks.append(select_input("account", "Phone service", services, initial))
    blocks.append(
        text_input(
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
        blocks.append(select_input("line", "Number people see when you call", choices, initial, optional=True))
    return form("My phone", blocks, "phone:saved", private_metadata, submit="Save")


def loading_modal(title: str) -> Block:
    """Opened at once, because a trigger lives 3 s; filled by `views.update` afterwards."""
    return form(title, [section("One moment…", "wait")], SHOWN, "")


def error_modal(title: str, words: str) -> Block:
    """What was not done, why, what to do next. `words` as an error says it; escaped here."""
    return form(title, [section(sentence(words, 2900) or "Nothing was done. Try again.", "error")], SHOWN, "")


def _line(number: str, label: str) -> str:
    return f"{label} ({pretty(number)})" if label and label != number else pretty(number)
