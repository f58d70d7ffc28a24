"""The docs say what the code does: commands, settings, the simulator's endings, links, the example file."""

import re
import tomllib
from pathlib import Path

import pytest

from bot import settings
from bot.cards.help import FORMS
from bot.providers import NAMES, provider_class
from bot.simulator.behaviours import BEHAVIOURS
from tests.office import ENVIRONMENT

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def commands_page() -> str:
    """docs/commands.md is written by this function: copy what the test prints."""
    parts = ["# Commands\n\nEvery command has `help`. Names can be changed in `[commands]` of callboard.toml.\n"]
    for command, (purpose, forms) in FORMS.items():
        rows = "\n".join(f"| `{f'/{command} {words}'.strip()}` | {what} |" for words, what in forms)
        parts.append(f"## /{command}\n\n{purpose}\n\n| type | it |\n|---|---|\n{rows}\n")
    return "\n".join(parts)


def simulator_rows() -> str:
    return "\n".join(f"| {digits} | {known.name} | {known.description} |" for digits, known in BEHAVIOURS.items())


def test_the_command_reference_is_what_help_says() -> None:
    assert read("docs/commands.md") == commands_page()


def test_the_simulators_endings_are_listed() -> None:
    assert simulator_rows() in read("docs/simulator.md")


def test_every_setting_is_explained() -> None:
    page = read("docs/settings.md")
    source = read("bot/settings.py")
    variables = set(re.findall(r'"((?:SLACK|CALLBOARD)_[A-Z_]+)"', source))
    assert len(variables) > 8
    for provider in NAMES:
        for setting in provider_class(provider).settings:
            variables.add(f"{provider}_{setting.name}".upper())
    told = set(re.findall(r"`((?:SLACK|CALLBOARD|VOICENTER|GURULIZE)_[A-Z0-9_]+)`", page))
    assert told == variables | {"CALLBOARD_LOG"}
    names = set(re.findall(r'self\.(?:text|texts|flag|users|sub)\("([a-z_]+)"', source))
    assert len(names) > 10
    assert names <= set(re.findall(r"`\[?([a-z_]+)", page))


def test_the_example_file_is_good() -> None:
    file = ROOT / "callboard.example.toml"
    assert settings.load(ENVIRONMENT, file).lines
    assert tomllib.loads(file.read_text(encoding="utf-8"))["region"] == "IL"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        if not link.startswith("http"):
            assert (page.parent / link).exists(), f"{page.name} links to {link}, which does not exist"
