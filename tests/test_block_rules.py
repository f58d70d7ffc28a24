"""The rules for blocks: what is right passes, and every limit is refused one step beyond."""

from collections.abc import Callable
from typing import Any

import pytest

from tests import slack_facts as limits
from tests.block_rules import check_message, check_view

TEXT = "Call from +1 202 555 0100 to Sales, 12 seconds."
Block = dict[str, Any]


def plain(text: str) -> Block:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> Block:
    return {"type": "mrkdwn", "text": text}


def section(text: str = "A call", **more: Any) -> Block:
    return {"type": "section", "text": mrkdwn(text), **more}


def button(label: str = "Call back", action_id: str = "call_back", **more: Any) -> Block:
    return {"type": "button", "text": plain(label), "action_id": action_id, **more}


def actions(*elements: Block, **more: Any) -> Block:
    return {"type": "actions", "elements": list(elements), **more}


def option(value: str = "1", text: str = "One", **more: Any) -> Block:
    return {"text": plain(text), "value": value, **more}


def choice(kind: str, count: int, **more: Any) -> Block:
    return {"type": kind, "action_id": "pick", "options": [option(str(n)) for n in range(count)], **more}


def entry(element: Block | None = None, block_id: str = "number", **more: Any) -> Block:
    typed = element or {"type": "plain_text_input", "action_id": "typed"}
    return {"type": "input", "block_id": block_id, "label": plain("Number"), "element": typed, **more}


def typed(**more: Any) -> Block:
    return {"type": "plain_text_input", "action_id": "typed", **more}


def image(**more: Any) -> Block:
    return {"type": "image", "image_url": "https://example.com/chart.png", "alt_text": "Calls per hour", **more}


def confirm(**more: Any) -> Block:
    asked = {"title": plain("Sure?"), "text": plain("It rings."), "confirm": plain("Yes"), "deny": plain("No")}
    return button(confirm=asked | more)


def table(rows: int, columns: int = 2) -> Block:
    return {"type": "table", "rows": [[{"type": "raw_text", "text": "x"}] * columns] * rows}


def modal(*blocks: Block, **more: Any) -> Block:
    return {"type": "modal", "callback_id": "dial", "title": plain("Call"), "blocks": list(blocks), **more}


def form(*blocks: Block, **more: Any) -> Block:
    return modal(*blocks, submit=plain("Call"), **more)


def home(*blocks: Block, **more: Any) -> Block:
    return {"type": "home", "blocks": list(blocks), **more}


RIGHT: dict[str, list[Block]] = {
    "text alone": [],
    "header": [{"type": "header", "text": plain("Missed call")}],
    "fields": [{"type": "section", "fields": [mrkdwn("*Queue*"), plain("Sales")]}],
    "accessories": [section(accessory=button()), section(accessory=image()), section(accessory=choice("overflow", 2))],
    "divider": [{"type": "divider"}],
    "context": [{"type": "context", "elements": [mrkdwn("12 s"), image()]}],
    "actions": [actions(button(), button("Note", "note"), choice("static_select", 3, placeholder=plain("Pick")))],
    "symbol with a label": [actions(button(":telephone_receiver:", accessibility_label="Call back Ada"))],
    "confirm": [actions(confirm(style="danger"))],
    "same words, same effect": [actions(button()), actions(button())],
    "same words, told apart": [
        actions(button(value="1", accessibility_label="Call back Ada")),
        actions(button(value="2", accessibility_label="Call back Grace")),
    ],
    "image": [image(title=plain("Calls per hour"))],
    "file as an image": [{"type": "image", "slack_file": {"id": "F1"}, "alt_text": "Calls per hour"}],
    "markdown": [{"type": "markdown", "text": "**Calls** today"}],
    "table": [table(3)],
    "rich text": [
        {
            "type": "rich_text",
            "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "A call"}]}],
        }
    ],
    "groups": [
        actions(
            {
                "type": "static_select",
                "action_id": "pick",
                "option_groups": [{"label": plain("Queues"), "options": [option()]}],
                "initial_option": option(),
            }
        )
    ],
}


@pytest.mark.parametrize("name", RIGHT)
def test_right_messages_pass(name: str) -> None:
    check_message(TEXT, RIGHT[name])


INPUTS: list[Block] = [
    typed(multiline=True, min_length=1, max_length=20, initial_value="x"),
    {"type": "number_input", "action_id": "a", "is_decimal_allowed": False, "min_value": "1"},
    {"type": "email_text_input", "action_id": "a"},
    {"type": "url_text_input", "action_id": "a"},
    {"type": "file_input", "action_id": "a", "filetypes": ["csv"], "max_files": 1},
    {"type": "datepicker", "action_id": "a", "initial_date": "2026-02-01"},
    {"type": "timepicker", "action_id": "a", "initial_time": "09:00", "timezone": "Europe/London"},
    {"type": "datetimepicker", "action_id": "a", "initial_date_time": 1770000000},
    {"type": "users_select", "action_id": "a", "placeholder": plain("Who")},
    {"type": "multi_users_select", "action_id": "a", "max_selected_items": 3},
    {"type": "conversations_select", "action_id": "a", "default_to_current_conversation": True},
    {"type": "external_select", "action_id": "a", "min_query_length": 1, "initial_option": option()},
    choice("checkboxes", 2, initial_options=[option("1")]),
    choice("radio_buttons", 2, initial_option=option("0")),
    choice("multi_static_select", 4),
]


@pytest.mark.parametrize("element", INPUTS, ids=lambda element: element["type"])
def test_right_inputs_pass(element: Block) -> None:
    check_view(form(entry(element, hint=plain("With the country."), optional=True)))


def test_right_views_pass() -> None:
    check_view(modal(section("One moment…")))
    check_view(form(entry(), private_metadata="{}", notify_on_close=True, close=plain("Cancel"), external_id="x"))
    check_view(home(section(), actions(button())))


LIMITS: dict[str, tuple[int, Callable[[int], Any]]] = {
    "blocks": (50, lambda n: [section()] * n),
    "section text": (3000, lambda n: [section("x" * n)]),
    "fields": (10, lambda n: [{"type": "section", "fields": [plain("x")] * n}]),
    "field text": (2000, lambda n: [{"type": "section", "fields": [plain("x" * n)]}]),
    "actions": (25, lambda n: [actions(*(button(action_id=str(i), accessibility_label=f"No {i}") for i in range(n)))]),
    "context": (10, lambda n: [{"type": "context", "elements": [mrkdwn("x")] * n}]),
    "header": (150, lambda n: [{"type": "header", "text": plain("x" * n)}]),
    "button text": (75, lambda n: [actions(button("x" * n))]),
    "button value": (2000, lambda n: [actions(button(value="x" * n))]),
    "button url": (3000, lambda n: [actions(button(url="https://example.com/".ljust(n, "x")))]),
    "accessibility label": (75, lambda n: [actions(button(accessibility_label="x" * n))]),
    "action_id": (255, lambda n: [actions(button(action_id="x" * n))]),
    "block_id": (255, lambda n: [section(block_id="x" * n)]),
    "overflow": (5, lambda n: [section(accessory=choice("overflow", n))]),
    "select": (100, lambda n: [actions(choice("static_select", n))]),
    "checkboxes": (10, lambda n: [actions(choice("checkboxes", n))]),
    "radio buttons": (10, lambda n: [actions(choice("radio_buttons", n))]),
    "option text": (75, lambda n: [actions(choice("static_select", 0, options=[option(text="x" * n)]))]),
    "option value": (150, lambda n: [actions(choice("static_select", 0, options=[option("x" * n)]))]),
    "option description": (
        75,
        lambda n: [actions(choice("static_select", 0, options=[option(description=plain("x" * n))]))],
    ),
    "placeholder": (150, lambda n: [actions(choice("static_select", 1, placeholder=plain("x" * n)))]),
    "confirm title": (100, lambda n: [actions(confirm(title=plain("x" * n)))]),
    "confirm text": (300, lambda n: [actions(confirm(text=plain("x" * n)))]),
    "confirm button": (30, lambda n: [actions(confirm(confirm=plain("x" * n)))]),
    "deny button": (30, lambda n: [actions(confirm(deny=plain("x" * n)))]),
    "alt text": (2000, lambda n: [image(alt_text="x" * n)]),
    "image title": (2000, lambda n: [image(title=plain("x" * n))]),
    "markdown": (12000, lambda n: [{"type": "markdown", "text": "x" * (n - 1)}, {"type": "markdown", "text": "x"}]),
    "table rows": (100, table),
    "table columns": (20, lambda n: [table(1, n)]),
    "view blocks": (100, lambda n: home(*[section()] * n)),
    "title": (24, lambda n: modal(section(), title=plain("x" * n))),
    "submit": (24, lambda n: modal(entry(), submit=plain("x" * n))),
    "close": (24, lambda n: modal(section(), close=plain("x" * n))),
    "private metadata": (3000, lambda n: modal(section(), private_metadata="x" * n)),
    "callback_id": (255, lambda n: modal(section(), callback_id="x" * n)),
    "label": (2000, lambda n: form(entry(label=plain("x" * n)))),
    "hint": (2000, lambda n: form(entry(hint=plain("x" * n)))),
    "typed text": (3000, lambda n: form(entry(typed(initial_value="x" * n)))),
    "files": (10, lambda n: form(entry({"type": "file_input", "action_id": "a", "max_files": n}))),
}


def check(thing: Any) -> None:
    if isinstance(thing, dict) and thing["type"] in ("modal", "home"):
        check_view(thing)
    else:
        check_message(TEXT, thing if isinstance(thing, list) else [thing])


@pytest.mark.parametrize("name", LIMITS)
def test_limits(name: str) -> None:
    most, build = LIMITS[name]
    check(build(most))
    with pytest.raises(AssertionError):
        check(build(most + 1))


WRONG: dict[str, tuple[str, Any]] = {
    "unknown block": ("no block type", [{"type": "carousel", "elements": []}]),
    "unknown key": ("no colour", [section(colour="red")]),
    "misspelt key": ("lacks alt_text", [{"type": "image", "image_url": "https://example.com/a.png", "alt_txt": "x"}]),
    "not an object": ("not an object", ["text"]),
    "text as string": ("not a text object", [{"type": "section", "text": "Call"}]),
    "blank": ("blank", [section("  ")]),
    "empty section": ("needs text or fields", [{"type": "section"}]),
    "mrkdwn header": ("plain_text", [{"type": "header", "text": mrkdwn("*Call*")}]),
    "empty actions": ("1 to 25", [actions()]),
    "no action_id": ("lacks action_id", [actions({"type": "button", "text": plain("Call back")})]),
    "input element among actions": ("does not go here", [actions(typed())]),
    "image among actions": ("does not go here", [actions(image())]),
    "block_id twice": ("used twice", [section(block_id="a"), section(block_id="a")]),
    "action_id twice": ("used twice", [actions(button(), button("Note"))]),
    "style": ("no style", [actions(button(style="green"))]),
    "link": ("not a web address", [actions(button(url="javascript:x"))]),
    "symbol alone": ("accessibility_label", [actions(button(":telephone_receiver:"))]),
    "same words, other effect": ("differ", [actions(button(value="1")), actions(button(value="2"))]),
    "blank alt text": ("blank", [image(alt_text=" ")]),
    "image and file": ("either", [image(slack_file={"id": "F1"})]),
    "file by no id": ("lacks id", [{"type": "image", "alt_text": "Chart", "slack_file": {"name": "a.png"}}]),
    "no image": ("image_url or slack_file", [{"type": "image", "alt_text": "Chart"}]),
    "options and groups": ("either", [actions(choice("static_select", 1, option_groups=[]))]),
    "two equal values": ("same value", [actions(choice("static_select", 0, options=[option(), option()]))]),
    "chosen but not offered": ("not among", [actions(choice("static_select", 1, initial_option=option("7")))]),
    "odd date": ("malformed", [actions({"type": "datepicker", "action_id": "a", "initial_date": "1.2.2026"})]),
    "input in a message": ("modal or the Home", [entry()]),
    "two tables": ("at most one", [table(1), table(1)]),
    "ragged table": ("differ in length", [{"type": "table", "rows": [*table(1, 1)["rows"], *table(1, 2)["rows"]]}]),
    "rings the channel": ("rings everybody", [section("Call from <!channel>")]),
    "rings in a label": ("rings everybody", [section("Call", accessory=button("Ring <!here|all>"))]),
    "rings as rich text": (
        "rings everybody",
        [
            {
                "type": "rich_text",
                "elements": [{"type": "rich_text_section", "elements": [{"type": "broadcast", "range": "channel"}]}],
            }
        ],
    ),
    "no view": ("neither modal nor home", {"type": "workflow_step", "blocks": []}),
    "input without submit": ("no submit", modal(entry())),
    "input without block_id": ("lacks block_id", form({"type": "input", "label": plain("N"), "element": typed()})),
    "button as input": ("does not go here", form(entry(button()))),
    "home with title": ("no title", home(section(), title=plain("Callboard"))),
    "home with submit": ("no submit", home(section(), submit=plain("Save"))),
    "file in the home tab": ("only in a modal", home(entry({"type": "file_input", "action_id": "a"}))),
    "markdown in a modal": ("only in a message", modal({"type": "markdown", "text": "x"})),
    "table in a modal": ("only in a message", modal(table(1))),
    "no callback_id": ("lacks callback_id", {"type": "modal", "title": plain("Call"), "blocks": [section()]}),
    "no blocks": ("no blocks", home()),
    "two want the focus": (
        "at most one",
        form(entry(typed(focus_on_load=True)), entry(typed(focus_on_load=True), block_id="other")),
    ),
    "too large": ("bytes", home(*[section("€" * 3000)] * 30)),
    "initial value too long": ("characters", form(entry(typed(max_length=2, initial_value="xxx")))),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_things_are_refused(name: str) -> None:
    words, thing = WRONG[name]
    with pytest.raises(AssertionError, match=words):
        check_view(thing) if isinstance(thing, dict) else check_message(TEXT, thing)


@pytest.mark.parametrize("text", ["", "  ", "Call", ":phone: :phone:", "— —", "Hello <!here> you", "x " * 2001])
def test_texts_that_say_nothing_or_too_much(text: str) -> None:
    with pytest.raises(AssertionError, match="text"):
        check_message(text)


def test_text_may_be_as_long_as_slack_allows() -> None:
    check_message("x " * (limits.MESSAGE_TEXT // 2))
