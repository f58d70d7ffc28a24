"""What docs/settings.md and the example file say of settings is what the code does."""

import json
import re
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

from bot import call_options, consent, settings, settings_reader, settings_values
from bot.provider import Setting
from bot.providers import NAMES, provider_class
from tests.office import ENVIRONMENT
from tests.pages import ROOT, names, read, rows, section


def defaults(setting: Setting) -> str:
    return "needed" if setting.default is None else f"`{setting.default}`" if setting.default else "empty"


def test_every_variable_is_explained() -> None:
    told = names(section(read("docs/settings.md"), "## Environment"))
    source = read("bot/settings_reader.py") + read("bot/__main__.py")
    assert sorted(told) == sorted(set(re.findall(r'"((?:SLACK|CALLBOARD)_[A-Z_]+)"', source)))


def test_every_setting_of_the_providers_is_explained() -> None:
    told = {row[0].strip("`"): row[-1] for row in rows(section(read("docs/settings.md"), "## [accounts.NAME]"))}
    own = {f"{name}_{s.name}".upper(): defaults(s) for name in NAMES for s in provider_class(name).settings}
    assert {name: default for name, default in told.items() if name.isupper()} == own
    assert {name for name in told if not name.isupper()} == {"provider", "addresses", "call", "message"}


def test_every_setting_of_the_file_is_explained() -> None:
    page = read("docs/settings.md")
    source = read("bot/settings_reader.py") + read("bot/settings_sections.py")
    top = set(re.findall(r'self\.(?:text|flag)\("([a-z_]+)"', source))
    top |= set(re.findall(r'self\.table\.pop\("([a-z_]+)"', source))
    assert set(names(section(page, "## callboard.toml"))) == top
    sections = set(re.findall(r'self\.sub\("([a-z]+)"', source))
    assert set(re.findall(r"^## \[([a-z]+)", page, re.MULTILINE)) == sections
    assert set(names(section(page, '## [lines."NUMBER"]'))) == {f.name for f in fields(settings.Line)} - {"number"}
    assert set(names(section(page, "## [policy]"))) == {f.name for f in fields(settings.PolicySettings)}
    assert set(names(section(page, "## [commands]"))) == {"prefix", *settings.COMMANDS}
    assert set(names(section(page, "## [messages]"))) == {f.name for f in fields(settings.MessageSettings)}
    assert set(names(section(page, "## [recording]"))) == {f.name for f in fields(consent.Recording)}
    assert names(section(page, "## [missed]")) == ["brief_seconds", "escalate_minutes", "claim_minutes"]
    assert names(section(page, "## Options of every call")) == list(call_options.SETTABLE)
    assert names(section(page, "## Options of every voice message")) == list(call_options.MESSAGES.settable)


def test_where_a_setting_stands_is_known_to_whoever_reads_a_file_in_which_it_does_not() -> None:
    page = read("docs/settings.md")
    for place, there in settings_values.PLACES.items():
        told = names(section(page, f"## {place.removeprefix('in ')}" if "[" in place else "## callboard.toml"))
        told = [name for name in told if name.islower() and name != "flow"]  # a service's own are variables, too
        assert sorted(told) == sorted(there), place


def literal(cell: str) -> object:
    """A default that the page writes as it would stand in the file; None where it says it in words."""
    try:
        return tomllib.loads(f"x = {cell.strip('`')}")["x"]
    except tomllib.TOMLDecodeError:
        return None


SECTIONS = ("policy", "messages", "recording", "retention", "missed", "digest")


def told_defaults() -> dict[str, dict[str, object]]:
    """Section, "" = the top of the file -> what docs/settings.md writes as defaults of its settings."""
    page = read("docs/settings.md")
    headings = {"": "## callboard.toml", 'lines."+972505550100"': '## [lines."NUMBER"]'}
    headings |= {name: f"## [{name}]" for name in SECTIONS}
    return {
        name: {
            row[0].strip("`"): default
            for row in rows(section(page, heading))
            if (default := literal(row[-1])) is not None
        }
        for name, heading in headings.items()
    }


def test_the_defaults_that_are_told_are_those_of_the_code(tmp_path: Path) -> None:
    """A file that sets every one of them says the same as a file without them."""
    told = told_defaults()
    assert sum(map(len, told.values())) > 30
    texts = []
    for full in (True, False):
        text = ""
        for name, defaults in told.items():
            text += f"[{name}]\n" if name else ""
            text += "".join(f"{key} = {json.dumps(value)}\n" for key, value in defaults.items()) if full else ""
        texts.append(f"{text}[accounts.voicenter]\n")
    variables = {
        row[0].strip("`"): row[-1].strip("`")
        for row in rows(section(read("docs/settings.md"), "## Environment"))
        if re.fullmatch(r"`[^` ]+`", row[-1]) and row[0] not in ("`CALLBOARD_CONFIG`", "`CALLBOARD_LOG`")
    }
    assert len(variables) == 5
    environment = {name: value for name, value in ENVIRONMENT.items() if name not in variables}
    environment |= {"SLACK_APP_TOKEN": "xapp-1"}
    file = tmp_path / "callboard.toml"
    found = []
    for text, more in zip(texts, (variables, {}), strict=True):
        file.write_text(text, encoding="utf-8")
        found.append(settings_reader.load(environment | more, file))
    assert found[0] == found[1]


def test_the_example_file_shows_the_defaults() -> None:
    """What is commented out there is the default, or an example where that is nothing."""
    part, checked = "", 0
    told = told_defaults()
    for line in read("callboard.example.toml").splitlines():
        if heading := re.match(r"(?:#: )?\[+([^\]]+)\]", line):
            part = heading[1]
        elif (setting := re.match(r"#: (\w+) = (.*)", line)) and (name := setting[1]) in told.get(part, {}):
            value = tomllib.loads(f"x = {setting[2]}")["x"]
            assert value == told[part][name] or told[part][name] in ([], {}), f"[{part}] {line}"
            checked += 1
    assert checked > 20


def test_the_example_file_is_good() -> None:
    file = ROOT / "callboard.example.toml"
    found = settings_reader.load(ENVIRONMENT, file)
    assert [line.label for line in found.lines] == ["Sales", "Support"]
    assert found.region == "IL"


def test_the_example_file_shows_every_setting(tmp_path: Path) -> None:
    whole = re.sub(r"^#: ", "", read("callboard.example.toml"), flags=re.MULTILINE)
    file = tmp_path / "callboard.toml"
    file.write_text(whole, encoding="utf-8")
    secrets = {f"{name}_{s.name}".upper(): "p" for name in NAMES for s in provider_class(name).settings if s.secret}
    found = settings_reader.load(secrets | ENVIRONMENT, file)
    table = tomllib.loads(whole)
    page = read("docs/settings.md")
    assert set(table) == {
        *names(section(page, "## callboard.toml")),
        *re.findall(r"^## \[([a-z]+)", page, re.MULTILINE),
    }
    for part in ("policy", "messages", "recording", "missed", "commands"):
        assert sorted(table[part]) == sorted(names(section(page, f"## [{part}]")))
    assert set(table["lines"]["+972505550100"]) == set(names(section(page, '## [lines."NUMBER"]')))
    for name in NAMES:
        open_ones = {setting.name for setting in provider_class(name).settings if not setting.secret}
        assert set(table["accounts"][name]) - {"provider", "addresses", "call", "message"} == open_ones
    assert found.accounts[0].values == {
        **settings_reader.load(ENVIRONMENT, ROOT / "callboard.example.toml").accounts[0].values
    }
    able = {name for name in NAMES if {*call_options.SETTABLE} & provider_class(name).order_options}
    assert {name for name in NAMES if "call" in table["accounts"][name]} == able
    able = {name for name in NAMES if {*call_options.MESSAGES.settable} & provider_class(name).message_options}
    assert {name for name in NAMES if "message" in table["accounts"][name]} == able
    assert found.dispositions == settings_reader.load(ENVIRONMENT, ROOT / "callboard.example.toml").dispositions


@pytest.mark.parametrize("page", ["settings.md", *(f"providers/{name}.md" for name in NAMES)])
def test_the_options_of_every_call_that_are_shown_are_good(page: str, tmp_path: Path) -> None:
    heading = "## Options of every call" if page == "settings.md" else "## Options of a call"
    _, found, rest = read(f"docs/{page}").partition(f"\n{heading}\n")
    (shown,) = re.findall(r"```toml\n(.*?)```", rest.partition("\n## ")[0], re.DOTALL) or ("",)
    (name,) = re.findall(r"accounts\.(\w+)", shown)[:1] or ("",)
    kind = provider_class(name) if name else None
    assert bool(shown) == (page not in ("providers/enablex.md", "providers/exolve.md")), f"{page}: {found}"
    if kind is None:
        return
    file = tmp_path / "callboard.toml"
    file.write_text(shown.replace("https://…", "https://gurulize.example"), encoding="utf-8")
    secrets = {f"{name}_{setting.name}".upper(): "p" for setting in kind.settings if setting.secret}
    assert settings_reader.load(secrets | ENVIRONMENT, file).accounts[0].call
