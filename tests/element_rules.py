"""The elements inside blocks: buttons, selects, inputs, images, and the texts they are made of.

Part of block_rules.py, which says what it is for. Every function raises AssertionError that names the place.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from tests import slack_facts as limits

Json = Mapping[str, Any]

DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
TIME = re.compile(r"\d{2}:\d{2}")

_PICK = "action_id confirm focus_on_load placeholder"
_TYPED = "action_id dispatch_action_config focus_on_load initial_value placeholder"

ELEMENTS: dict[str, tuple[str, str]] = {
    "button": ("text action_id", "accessibility_label confirm style url value"),
    "overflow": ("options action_id", "confirm"),
    "checkboxes": ("options action_id", "confirm focus_on_load initial_options"),
    "radio_buttons": ("options action_id", "confirm focus_on_load initial_option"),
    "datepicker": ("action_id", f"{_PICK} initial_date"),
    "timepicker": ("action_id", f"{_PICK} initial_time timezone"),
    "datetimepicker": ("action_id", "confirm focus_on_load initial_date_time"),
    "static_select": ("action_id", f"{_PICK} options option_groups initial_option"),
    "external_select": ("action_id", f"{_PICK} initial_option min_query_length"),
    "users_select": ("action_id", f"{_PICK} initial_user"),
    "channels_select": ("action_id", f"{_PICK} initial_channel response_url_enabled"),
    "conversations_select": (
        "action_id",
        f"{_PICK} initial_conversation default_to_current_conversation filter response_url_enabled",
    ),
    "multi_static_select": ("action_id", f"{_PICK} options option_groups initial_options max_selected_items"),
    "multi_external_select": ("action_id", f"{_PICK} initial_options min_query_length max_selected_items"),
    "multi_users_select": ("action_id", f"{_PICK} initial_users max_selected_items"),
    "multi_channels_select": ("action_id", f"{_PICK} initial_channels max_selected_items"),
    "multi_conversations_select": (
        "action_id",
        f"{_PICK} initial_conversations default_to_current_conversation filter max_selected_items",
    ),
    "plain_text_input": ("action_id", f"{_TYPED} max_length min_length multiline"),
    "number_input": ("action_id is_decimal_allowed", f"{_TYPED} max_value min_value"),
    "email_text_input": ("action_id", _TYPED),
    "url_text_input": ("action_id", _TYPED),
    "file_input": ("action_id", "filetypes max_files"),
    "image": ("alt_text", "image_url slack_file"),
}
"""Element -> keys it must have, keys it may have (besides `type`)."""

SELECTS = {name for name in ELEMENTS if name.endswith("_select")}
_ANYWHERE = {"checkboxes", "radio_buttons", "datepicker", "timepicker"} | SELECTS
IN_ACTIONS = _ANYWHERE | {"button", "overflow", "datetimepicker"}
IN_SECTION = _ANYWHERE | {"button", "overflow", "image"}
IN_INPUT = _ANYWHERE | {
    "datetimepicker",
    "plain_text_input",
    "number_input",
    "email_text_input",
    "url_text_input",
    "file_input",
}


def check_element(where: str, element: Json, allowed: Collection[str]) -> None:
    """One element; `allowed`: the types that its place takes."""
    assert isinstance(element, Mapping), f"{where}: {element!r} is not an object"
    kind = str(element.get("type"))
    assert kind in allowed, f"{where}: {kind!r} does not go here"
    where = f"{where}, {kind} {element.get('action_id', '')!r}"
    required, optional = ELEMENTS[kind]
    check_keys(where, element, f"type {required}", optional)
    if "action_id" in element:
        check_length(f"{where}: action_id", element["action_id"], limits.NAME)
    if "placeholder" in element:
        check_plain(f"{where} placeholder", element["placeholder"], limits.PLACEHOLDER)
    if "confirm" in element:
        check_confirm(f"{where} confirm", element["confirm"])
    if kind == "button":
        check_button(where, element)
    elif kind == "image":
        check_image(where, element)
    elif kind == "file_input":
        assert 1 <= element.get("max_files", 1) <= limits.FILES, f"{where}: max_files is not 1 to {limits.FILES}"
    elif kind in ("overflow", "checkboxes", "radio_buttons", "static_select", "multi_static_select"):
        check_choice(where, kind, element)
    elif kind in ("external_select", "multi_external_select"):
        for option in _chosen(element):
            check_option(where, option, mrkdwn=False)
    if kind == "plain_text_input":
        check_typed_text(where, element)
    for key, form in (("initial_date", DATE), ("initial_time", TIME)):
        assert key not in element or form.fullmatch(element[key]), f"{where}: {key} {element[key]!r} is malformed"


def check_button(where: str, button: Json) -> None:
    check_plain(where, button["text"], limits.BUTTON_TEXT)
    check_length(f"{where} value", button.get("value", "-"), limits.BUTTON_VALUE)
    check_length(f"{where} accessibility_label", button.get("accessibility_label", "-"), limits.ACCESSIBILITY_LABEL)
    assert button.get("style", "primary") in ("primary", "danger"), f"{where}: there is no style {button['style']!r}"
    if "url" in button:
        check_url(where, button["url"])


def check_choice(where: str, kind: str, element: Json) -> None:
    """Options, alone or in groups, and which are chosen from the start."""
    assert ("options" in element) != ("option_groups" in element), f"{where}: needs either options or option_groups"
    most = {"overflow": limits.OVERFLOW, "checkboxes": limits.CHECKBOXES, "radio_buttons": limits.CHECKBOXES}
    groups = element.get("option_groups", [element])
    check_count(f"{where} option groups", groups, limits.SELECT_OPTIONS)
    options = [option for group in groups for option in group["options"]]
    for group in groups:
        check_count(f"{where} options", group["options"], most.get(kind, limits.SELECT_OPTIONS))
        if "option_groups" in element:
            check_keys(where, group, "label options", "")
            check_plain(f"{where} group", group["label"], limits.OPTION_TEXT)
    for option in options:
        check_option(where, option, mrkdwn=kind in ("checkboxes", "radio_buttons"), url=kind == "overflow")
    values = [option["value"] for option in options]
    assert len(values) == len(set(values)), f"{where}: two options have the same value in {values}"
    for option in _chosen(element):
        assert option in options, f"{where}: {option['value']!r} is chosen from the start but is not among the options"


def check_option(where: str, option: Json, *, mrkdwn: bool, url: bool = False) -> None:
    check_keys(f"{where} option", option, "text value", "description url" if url else "description")
    check = check_text_object if mrkdwn else check_plain
    check(f"{where} option", option["text"], limits.OPTION_TEXT)
    check_length(f"{where} option value", option["value"], limits.OPTION_VALUE)
    if "description" in option:
        check(f"{where} option description", option["description"], limits.OPTION_DESCRIPTION)
    if "url" in option:
        check_url(where, option["url"])


def check_typed_text(where: str, element: Json) -> None:
    least, most = element.get("min_length", 0), element.get("max_length", limits.INPUT_TEXT)
    assert 0 <= least <= most <= limits.INPUT_TEXT, f"{where}: lengths {least} to {most}; 0 to {limits.INPUT_TEXT} goes"
    assert most > 0, f"{where}: max_length is 0"
    check_length(f"{where} initial_value", element.get("initial_value", "-" * max(least, 1)), most, least=least)


def check_confirm(where: str, confirm: Json) -> None:
    check_keys(where, confirm, "title text confirm deny", "style")
    check_plain(f"{where} title", confirm["title"], limits.CONFIRM_TITLE)
    check_text_object(f"{where} text", confirm["text"], limits.CONFIRM_TEXT)
    check_plain(f"{where} confirm", confirm["confirm"], limits.CONFIRM_BUTTON)
    check_plain(f"{where} deny", confirm["deny"], limits.CONFIRM_BUTTON)
    assert confirm.get("style", "primary") in ("primary", "danger"), f"{where}: there is no style {confirm['style']!r}"


def check_image(where: str, image: Json) -> None:
    check_length(f"{where} alt_text", image["alt_text"], limits.ALT_TEXT)
    assert image["alt_text"].strip(), f"{where}: alt_text is blank; say what the image shows"
    assert ("image_url" in image) != ("slack_file" in image), f"{where}: needs either image_url or slack_file"
    if "slack_file" in image:
        check_keys(f"{where} slack_file", image["slack_file"], "id", "")
        check_length(f"{where} slack_file", image["slack_file"]["id"], limits.NAME)
    if "image_url" in image:
        check_url(where, image["image_url"])


def check_url(where: str, url: str) -> None:
    check_length(f"{where} url", url, limits.URL)
    assert re.match(r"https?://[^\s/]", url), f"{where}: {url!r} is not a web address"


def check_plain(where: str, text: Json, most: int) -> None:
    assert isinstance(text, Mapping), f"{where}: {text!r} is not a text object"
    assert text.get("type") == "plain_text", f"{where}: must be plain_text, not {text.get('type')!r}"
    check_text_object(where, text, most)


def check_text_object(where: str, text: Json, most: int) -> None:
    assert isinstance(text, Mapping), f"{where}: {text!r} is not a text object"
    kind = text.get("type")
    assert kind in ("plain_text", "mrkdwn"), f"{where}: {kind!r} is not a kind of text"
    check_keys(where, text, "type text", "emoji" if kind == "plain_text" else "verbatim")
    check_length(where, text["text"], most)
    assert text["text"].strip(), f"{where}: text is blank"


def check_length(where: str, text: Any, most: int, *, least: int = 1) -> None:
    """`most`, `least`: characters."""
    assert isinstance(text, str), f"{where}: {text!r} is not a string"
    assert least <= len(text) <= most, f"{where}: {len(text)} characters; {least} to {most} are accepted"


def check_count(where: str, items: Any, most: int) -> None:
    assert isinstance(items, Sequence), f"{where}: {items!r} is not a list"
    assert not isinstance(items, str), f"{where}: {items!r} is not a list"
    assert 1 <= len(items) <= most, f"{where}: {len(items)} of them; 1 to {most} are accepted"


def check_keys(where: str, thing: Json, required: str, optional: str) -> None:
    """`required`, `optional`: key names with blanks between."""
    missing = set(required.split()) - set(thing)
    assert not missing, f"{where}: lacks {', '.join(sorted(missing))}"
    unknown = set(thing) - set(required.split()) - set(optional.split())
    assert not unknown, f"{where}: there is no {', '.join(sorted(unknown))} here"


def _chosen(element: Json) -> list[Json]:
    one = [element["initial_option"]] if "initial_option" in element else []
    return one + list(element.get("initial_options", []))
