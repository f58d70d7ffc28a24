"""What the person at the terminal sees of Block Kit, and what they type into a form, as Slack would send it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass
class Screen:
    """Text for people. `people`: user id -> real name.

    Attributes:
        buttons: the number that an element was shown with -> channel, ts and the element; in an App Home no channel,
            and whose it is in place of ts; in a form neither.
    """

    people: Mapping[str, str]
    buttons: dict[int, tuple[str, str, Json]] = field(default_factory=dict)

    def lines(self, blocks: list[Json], channel: str, ts: str) -> list[str]:
        """The blocks of a message or view; each element with its number. `channel`, `ts`: as in `buttons`."""
        lines = []
        for block in blocks:
            texts = [block.get("text"), *block.get("fields", ()), *block.get("elements", ())]
            words = [self._named(text["text"]) for text in texts if text and isinstance(text.get("text"), str)]
            lines += [f"  {plain(line)}" for word in words for line in word.splitlines()]
            lines += [f"  (picture: {block['alt_text']})"] if block["type"] == "image" else []
            elements = [e for e in (*block.get("elements", ()), block.get("accessory")) if e and "action_id" in e]
            shown = [
                self._numbered(channel, ts, {**element, "block_id": block.get("block_id", "")}) for element in elements
            ]
            if shown:
                lines.append("  " + "  ".join(shown))
        return lines

    def _numbered(self, channel: str, ts: str, element: Json) -> str:
        number = next((n for n, known in self.buttons.items() if known == (channel, ts, element)), 0)
        if not number:
            number = len(self.buttons) + 1
            self.buttons[number] = (channel, ts, element)
        label = element.get("text") or element.get("placeholder") or {"text": element["action_id"]}
        return f"[{number}] {label['text']}"

    def _named(self, text: str) -> str:
        for user, name in self.people.items():
            text = text.replace(f"<@{user}>", name)
        return text


def choices(element: Json, people: Mapping[str, str]) -> list[Json]:
    """The options of a menu, in groups or not, or of boxes; of a menu of people, those."""
    if element["type"] in ("users_select", "multi_users_select"):
        return [{"text": {"text": name}, "value": user} for user, name in people.items()]
    groups = element.get("option_groups", ())
    return [*element.get("options", ()), *(option for group in groups for option in group["options"])]


def filled(element: Json, line: str, people: Mapping[str, str]) -> Json:
    """The value of a form's field as Slack would send it. `people`: as in `Screen`."""
    options = choices(element, people)
    chosen = [options[int(word) - 1] for word in line.split() if word.isdecimal() and 0 < int(word) <= len(options)]
    match element["type"]:
        case "static_select" | "radio_buttons":
            return {"type": element["type"], "selected_option": chosen[0] if chosen else element.get("initial_option")}
        case "checkboxes":
            return {"type": element["type"], "selected_options": chosen or element.get("initial_options", [])}
        case "users_select":
            return {
                "type": element["type"],
                "selected_user": chosen[0]["value"] if chosen else element.get("initial_user"),
            }
        case "multi_users_select":
            users = [option["value"] for option in chosen] or element.get("initial_users", [])
            return {"type": element["type"], "selected_users": users}
        case "datepicker":
            return {"type": element["type"], "selected_date": line or element.get("initial_date")}
        case _:
            return {"type": element["type"], "value": None if line == "-" else line or element.get("initial_value")}


def plain(text: str) -> str:
    """mrkdwn without its signs, entities as the characters they stand for."""
    for sign, character in (("*", ""), ("`", ""), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        text = text.replace(sign, character)
    return text
