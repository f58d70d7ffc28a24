"""What forms are made of: a modal and its inputs. Pure.

Every input block and its one element share a name, by which a submitted view is read. Limits: Slack's pages on views
and block elements.
"""

from collections.abc import Iterable, Mapping, Sequence

from bot.cards import Block, plain_text, shorten

PASTED = 3000
"""Characters of a text field. Page "Plain-text input element"."""

VALUE_LIMIT = 150
"""Characters of a choice's value. Page "Option object"."""
CLOCK_LENGTH = 12
"""Of a field for a time of day, such as "10:30 p.m."."""


def form(
    title: str,
    blocks: Sequence[Block],
    callback_id: str,
    private_metadata: str,
    *,
    submit: str = "",
) -> Block:
    """A modal view; all words plain text."""
    view: Block = {
        "type": "modal",
        "callback_id": callback_id,
        "title": plain_text(title, 24),
        "blocks": list(blocks),
        "close": plain_text("Cancel" if submit else "Close", 24),
    }
    if private_metadata:
        view["private_metadata"] = private_metadata
    if submit:
        view["submit"] = plain_text(submit, 24)
    return view


def typed(text: str, limit: int) -> str:
    """As it was typed, without the lone surrogates that JSON cannot carry."""
    return shorten(text.encode(errors="ignore").decode().strip(), limit)


def any_input(name: str, label: str, element: Block, *, optional: bool = False, hint: str = "") -> Block:
    """An input block named like its element."""
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


def text_input(
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
    """A text field."""
    element: Block = {"type": "plain_text_input", "multiline": multiline, "max_length": length}
    if placeholder:
        element["placeholder"] = plain_text(placeholder, 150)
    if typed(initial.get(name, ""), length):
        element["initial_value"] = typed(initial[name], length)
    return any_input(name, label, element, optional=optional, hint=hint)


def option(value: str, label: str) -> Block:
    """One choice of a menu or a row of boxes."""
    return {"text": plain_text(label or value, 75), "value": value}


def usable(choices: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Those of (value, label) that a menu takes: no value is empty, too long for Slack, or there twice."""
    found: dict[str, str] = {}
    for value, label in choices:
        if value and len(value) <= VALUE_LIMIT:
            found.setdefault(value, label)
    return list(found.items())


def select_input(
    name: str,
    label: str,
    choices: Sequence[tuple[str, str]],
    initial: Mapping[str, str],
    *,
    optional: bool = False,
    empty: str = "Choose…",
) -> Block:
    """A menu of (value, label), of which one must be `usable()`; over 100 become groups of 100, as Slack asks for."""
    options = [option(value, text) for value, text in usable(choices)]
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
    return any_input(name, label, element, optional=optional)


def table_inputs(columns: str, hint: str = "", *, packed: bool = False) -> list[Block]:
    """A table, as a file or pasted. Blocks: file, rows. `columns`: an example of the first line.

    `packed`: or as ZIP.
    """
    file = {"type": "file_input", "filetypes": ["csv", "txt", *(["zip"] if packed else [])], "max_files": 1}
    return [
        any_input("file", "File" if packed else "CSV file", file, optional=True),
        text_input(
            "rows",
            "Or paste the rows",
            {},
            optional=True,
            multiline=True,
            length=PASTED,
            placeholder=columns,
            hint=hint,
        ),
    ]


def boxes_input(name: str, label: str, choices: Sequence[tuple[str, str]], initial: Mapping[str, str]) -> Block:
    """Boxes to tick."""
    options = [option(value, text) for value, text in choices]
    element: Block = {"type": "checkboxes", "options": options}
    ticked = [option for option in options if option["value"] in initial.get(name, "").replace(",", " ").split()]
    if ticked:
        element["initial_options"] = ticked
    return any_input(name, label, element, optional=True)
