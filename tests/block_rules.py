"""What Slack accepts as blocks and views, and what a person needs to read them: rules that raise AssertionError.

Stricter than Slack where Slack would let a mistake pass: unknown keys are refused, whatever can be clicked has an
action_id, modals have a callback_id, nothing rings a whole channel, every message has a text that says something.
Sources: Slack's Block Kit reference and "Accessibility" of chat.postMessage; numbers in slack_facts.py.
slack_sdk's own models are asked as a second opinion at the end.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block

from tests import slack_facts as limits
from tests.element_rules import (
    ELEMENTS,
    IN_ACTIONS,
    IN_INPUT,
    IN_SECTION,
    Json,
    check_count,
    check_element,
    check_image,
    check_keys,
    check_length,
    check_plain,
    check_text_object,
)

RINGS_EVERYBODY = re.compile(r"<!(channel|here|everyone)\b")

BLOCKS: dict[str, tuple[str, str]] = {
    "header": ("text", ""),
    "section": ("", "text fields accessory expand"),
    "divider": ("", ""),
    "context": ("elements", ""),
    "actions": ("elements", ""),
    "image": ("alt_text", "image_url slack_file title"),
    "input": ("label element block_id", "hint optional dispatch_action"),
    "markdown": ("text", ""),
    "table": ("rows", "column_settings"),
    "rich_text": ("elements", ""),
    "call": ("call_id", ""),  # in no reference of blocks; page "Using the Calls API"
}
"""Block -> keys it must have, keys it may have (besides `type` and `block_id`)."""


def check_message(text: str, blocks: Sequence[Json] = ()) -> None:
    """A message as chat.postMessage, chat.update, chat.postEphemeral or a response_url would carry it.

    Raises:
        AssertionError: what is wrong, and where.
    """
    check_text(text)
    assert len(blocks) <= limits.MESSAGE_BLOCKS, f"{len(blocks)} blocks; a message has at most {limits.MESSAGE_BLOCKS}"
    _check_blocks(blocks)
    for where, block in _numbered(blocks):
        assert block["type"] != "input", f"{where}: an input belongs in a modal or the Home tab, not in a message"
    markdown = sum(len(block["text"]) for block in blocks if block["type"] == "markdown")
    assert markdown <= limits.MARKDOWN, f"markdown blocks have {markdown} characters; at most {limits.MARKDOWN}"
    tables = sum(block["type"] == "table" for block in blocks)
    assert tables <= 1, f"{tables} tables; a message has at most one"


def check_text(text: str) -> None:
    """The top-level text of a message. Screen readers and notifications have nothing else, so it must say something."""
    assert isinstance(text, str), f"text is {text!r}, not a string"
    assert len(text) <= limits.MESSAGE_TEXT, f"text has {len(text)} characters; at most {limits.MESSAGE_TEXT}"
    assert text.strip(), "text is empty; screen readers and notifications would have nothing"
    words = re.findall(r"[^\W_]+", re.sub(r":[a-z0-9_+-]+:", " ", text))
    assert len(words) >= 2, f"text {text!r} says too little for someone who cannot see the blocks"
    assert not RINGS_EVERYBODY.search(text), f"text {text!r} rings everybody; escape it"


def check_view(view: Json) -> None:
    """A modal or a Home tab as views.open, views.update or views.publish would carry it.

    Raises:
        AssertionError: what is wrong, and where.
    """
    kind = view.get("type")
    assert kind in ("modal", "home"), f"view: type {kind!r} is neither modal nor home"
    size = len(json.dumps(view, ensure_ascii=False).encode())
    assert size <= limits.VIEW_BYTES, f"view: {size} bytes; at most {limits.VIEW_BYTES}"
    both = "private_metadata callback_id external_id"
    if kind == "home":
        for key in ("title", "submit", "close"):
            assert key not in view, f"view: a Home tab has no {key}"
        check_keys("view", view, "type blocks", both)
    else:
        check_keys("view", view, "type blocks title callback_id", f"{both} submit close clear_on_close notify_on_close")
        for key in ("title", "submit", "close"):
            if key in view:
                check_plain(f"view {key}", view[key], limits.VIEW_TITLE)
    for key in ("callback_id", "external_id"):
        check_length(f"view {key}", view.get(key, "-"), limits.NAME)
    check_length("view private_metadata", view.get("private_metadata", "-"), limits.PRIVATE_METADATA, least=0)
    blocks = view["blocks"]
    assert blocks, "view: no blocks"
    assert len(blocks) <= limits.VIEW_BLOCKS, f"view: {len(blocks)} blocks; at most {limits.VIEW_BLOCKS}"
    _check_blocks(blocks)
    types = [block["type"] for block in blocks]
    if kind == "modal":
        assert "input" not in types or "submit" in view, "view: has an input but no submit"
    for kind_of_block in ("markdown", "table", "call"):
        assert kind_of_block not in types, f"view: a {kind_of_block} block works only in a message"
    files = [where for where, block in _numbered(blocks) if block.get("element", {}).get("type") == "file_input"]
    assert kind == "modal" or not files, f"{files}: file_input works only in a modal"
    focused = sum(element.get("focus_on_load") is True for element in elements_of(blocks))
    assert focused <= 1, f"view: {focused} elements want the focus; at most one"


def elements_of(blocks: Sequence[Json]) -> Iterator[Json]:
    """Every element a person can use or see inside the blocks: buttons, selects, inputs, images."""
    for block in blocks:
        if "accessory" in block:
            yield block["accessory"]
        if block["type"] == "input":
            yield block["element"]
        if block["type"] in ("actions", "context"):
            yield from (
                element for element in block["elements"] if element["type"] in ELEMENTS
            )  # context has texts too


def _check_blocks(blocks: Sequence[Json]) -> None:
    seen: set[str] = set()
    for where, block in _numbered(blocks):
        kind = block.get("type")
        assert kind in BLOCKS, f"{where}: there is no block type {kind!r} in tests/block_rules.py"
        required, optional = BLOCKS[kind]
        check_keys(where, block, f"type {required}", f"block_id {optional}")
        if "block_id" in block:
            check_length(f"{where}: block_id", block["block_id"], limits.NAME)
            assert block["block_id"] not in seen, f"{where}: block_id {block['block_id']!r} is used twice"
            seen.add(block["block_id"])
        if kind in CHECKS:
            CHECKS[kind](where, block)
        actions = [element["action_id"] for element in elements_of([block]) if "action_id" in element]
        assert len(actions) == len(set(actions)), f"{where}: an action_id is used twice in {actions}"
        _second_opinion(where, block)
    for text in _strings(list(blocks)):
        assert not RINGS_EVERYBODY.search(text), f"{text!r} rings everybody; escape it"
    _check_button_names(blocks)


def _check_button_names(blocks: Sequence[Json]) -> None:
    """Someone who only hears the buttons, one after the other, must be able to tell them apart."""
    heard: dict[str, str] = {}
    for button in elements_of(blocks):
        if button["type"] != "button":
            continue
        name = button.get("accessibility_label") or button["text"]["text"]
        assert re.search(r"[^\W\d_]{2}", re.sub(r":[a-z0-9_+-]+:", " ", name)), (
            f"button {button['action_id']!r} is called {name!r}; without words it needs an accessibility_label"
        )
        meaning = json.dumps([button["action_id"], button.get("value"), button.get("url")])
        assert heard.setdefault(name, meaning) == meaning, (
            f"two buttons are called {name!r} but do different things; give them accessibility_labels that differ"
        )


def _check_header(where: str, block: Json) -> None:
    check_plain(where, block["text"], limits.HEADER)


def _check_section(where: str, block: Json) -> None:
    assert "text" in block or "fields" in block, f"{where}: a section needs text or fields"
    if "text" in block:
        check_text_object(f"{where} text", block["text"], limits.TEXT)
    if "fields" in block:
        check_count(f"{where} fields", block["fields"], limits.SECTION_FIELDS)
        for number, field in enumerate(block["fields"]):
            check_text_object(f"{where} field {number}", field, limits.SECTION_FIELD)
    if "accessory" in block:
        check_element(f"{where} accessory", block["accessory"], IN_SECTION)


def _check_context(where: str, block: Json) -> None:
    check_count(where, block["elements"], limits.CONTEXT)
    for element in block["elements"]:
        if element.get("type") == "image":
            check_element(where, element, {"image"})
        else:
            check_text_object(where, element, limits.TEXT)


def _check_actions(where: str, block: Json) -> None:
    check_count(where, block["elements"], limits.ACTIONS)
    for element in block["elements"]:
        check_element(where, element, IN_ACTIONS)


def _check_image(where: str, block: Json) -> None:
    check_image(where, block)
    if "title" in block:
        check_plain(f"{where} title", block["title"], limits.IMAGE_TITLE)


def _check_input(where: str, block: Json) -> None:
    check_plain(f"{where} label", block["label"], limits.LABEL)
    if "hint" in block:
        check_plain(f"{where} hint", block["hint"], limits.LABEL)
    check_element(where, block["element"], IN_INPUT)


def _check_markdown(where: str, block: Json) -> None:
    check_length(where, block["text"], limits.MARKDOWN)


def _check_table(where: str, block: Json) -> None:
    check_count(f"{where} rows", block["rows"], limits.TABLE_ROWS)
    for row in block["rows"]:
        check_count(f"{where} columns", row, limits.TABLE_COLUMNS)
        for cell in row:
            assert cell.get("type") in ("raw_text", "rich_text"), f"{where}: cell {cell!r} is no raw_text or rich_text"
            assert cell["type"] != "raw_text" or cell.get("text"), f"{where}: a cell is empty; write a dash"
    assert len({len(row) for row in block["rows"]}) == 1, f"{where}: rows differ in length"


def _check_rich_text(where: str, block: Json) -> None:
    assert block["elements"], f"{where}: no elements"
    kinds = {"rich_text_section", "rich_text_list", "rich_text_quote", "rich_text_preformatted"}
    for element in block["elements"]:
        assert element.get("type") in kinds, f"{where}: {element.get('type')!r} is not one of {sorted(kinds)}"
    assert "broadcast" not in json.dumps(block), f"{where}: a broadcast rings everybody"


CHECKS: dict[str, Callable[[str, Json], None]] = {
    "header": _check_header,
    "section": _check_section,
    "context": _check_context,
    "actions": _check_actions,
    "image": _check_image,
    "input": _check_input,
    "markdown": _check_markdown,
    "table": _check_table,
    "rich_text": _check_rich_text,
}


def _second_opinion(where: str, block: Json) -> None:
    try:
        parsed = Block.parse(dict(block))
        assert parsed is not None, f"{where}: slack_sdk does not know this block"
        parsed.to_dict()
    except SlackObjectFormationError as error:
        raise AssertionError(f"{where}: {error}") from error


def _numbered(blocks: Sequence[Json]) -> Iterator[tuple[str, Json]]:
    for number, block in enumerate(blocks):
        assert isinstance(block, Mapping), f"block {number}: {block!r} is not an object"
        yield f"block {number} ({block.get('type')})", block


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _strings(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _strings(inner)
