"""The docs say what the code does: commands, settings, tables, addresses, recipes, links, the example file."""

import asyncio
import dataclasses
import json
import re
import sqlite3
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from itertools import pairwise
from pathlib import Path
from typing import get_args

import httpx
import pytest

from bot import (
    auto_dial,
    call_options,
    call_search,
    calling_lists,
    consent,
    gathering,
    periods,
    saying,
    settings,
    settings_reader,
    settings_values,
    who,
)
from bot.cards.controls import LABELS
from bot.cards.help import FORMS
from bot.cards.outcomes import SHORT
from bot.decide import KINDS
from bot.dialing import CONTROL
from bot.digest import DEFINITIONS
from bot.errors import BadInput, CallboardError
from bot.events import Controlled, Outcome
from bot.numbers import pretty
from bot.provider import Setting
from bot.providers import NAMES, provider_class
from bot.providers.gurulize.status import EVENTS
from bot.providers.voicenter.click2call import HINTS
from bot.providers.voicenter.tables import TYPES
from bot.simulator.app import SimulatedWorld
from bot.simulator.behaviours import ANSWERS, BEHAVIOURS, IncomingKind
from bot.simulator.clock import RealClock
from bot.store import calls, ledger, messages, offers, presence, schema, web_phones, workflow_steps
from bot.store import campaigns as store
from bot.store.messages import Batch, Recipient
from tests.office import ENVIRONMENT, Office
from tests.test_layers import PURE

ROOT = Path(__file__).parents[1]
NOVEMBER = 1_795_000_000.0
"""Of 2026, after the days that the pages name, seconds since 1970 UTC."""
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
every_provider = pytest.mark.parametrize("name", NAMES)


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def section(page: str, heading: str) -> str:
    """What stands below a heading, up to the next one of any depth."""
    _, found, rest = f"\n{page}".partition(f"\n{heading}\n")
    assert found, f"there is no heading “{heading}”"
    return re.split(r"\n#+ ", rest)[0]


def rows(text: str) -> list[list[str]]:
    """The cells of all tables, without their heads."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    body = [
        line for line, after in pairwise([*lines, ""]) if not set(line) <= set("|- ") and not set(after) <= set("|- ")
    ]
    body += [lines[-1]] if lines and lines[-1] not in body else []
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in body]


def names(text: str) -> list[str]:
    """What the first column names."""
    return [row[0].strip("`") for row in rows(text)]


def spans(page: Path) -> Iterator[str]:
    """Code between single backticks, outside of blocks."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    return (match[1] for match in re.finditer(r"`([^`\n]+)`", text))


# Commands


@pytest.mark.parametrize("command", FORMS)
def test_the_command_reference_is_what_help_says(command: str) -> None:
    """Copy the section that the failure shows into docs/commands.md."""
    purpose, forms = FORMS[command]
    table = "\n".join(f"| `{f'/{command} {words}'.strip()}` | {what} |" for words, what in forms)
    assert section(read("docs/commands.md"), f"## /{command}") == f"\n{purpose}\n\n| type | it |\n|---|---|\n{table}\n"


@every_page
def test_commands_that_are_shown_are_understood(page: Path) -> None:
    for shown in spans(page):
        command, _, text = shown.partition(" ")
        if "…" in shown or "[" in shown:
            continue
        try:
            if command == "/call":
                said = re.sub(r"@(\w+)", r"<@U2|\1>", text)  # Slack turns a name into a mention
                if gathering.parse(said, "US") is None:
                    who.parse(said, "US", behind=True)
            elif command == "/voicemsg" and text.split(" ")[0] not in ("", "templates", "scheduled", "help"):
                saying.parse(re.sub(r"@(\w+)", r"<@U2|\1>", text), "US")
            elif command == "/calls" and text.startswith("log ") and text.split(" ")[1] not in ("add", "help", "fetch"):
                said = re.sub(r"@(\w+)", r"<@U2|\1>", text.removeprefix("log "))
                call_search.parse(said, call_search.Reader("US", "UTC", NOVEMBER, [("+12025550100", "Sales")]))
            elif command == "/calls" and text.startswith("log fetch "):
                said = text.removeprefix("log fetch ").partition(" via ")[0]
                call_search.period(said, call_search.Reader("US", "UTC", NOVEMBER))
            elif command == "/digest":
                periods.parse(text, "UTC")
            elif command in ("/phone", "/callboard", "/recording"):
                words = {form.split()[0] for form, _ in FORMS[command[1:]][1] if form}
                assert not text or text.split()[0] in words, shown
        except BadInput as error:
            pytest.fail(f"{page.name} shows `{shown}`, but: {error}")


async def test_who_may_do_what(desk: Office) -> None:
    """The table of docs/commands.md, tried: U1 is nobody in particular, U2 a manager, U9 an admin."""
    table = rows(section(read("docs/commands.md"), "## Who may do what"))
    allowed = {"everybody": {"U1", "U2", "U9"}, "managers": {"U2", "U9"}, "admins": {"U9"}}
    tries = {
        "/callboard audit": "audit log",
        "/callboard hooks": "webhook addresses",
        "/callboard dnc add +1 202 555 0155 asked us to stop": "put a number on the do-not-call list",
        "/callboard dnc remove +1 202 555 0155": "take a number off the do-not-call list",
        "/callboard registry": "registries that were imported",
        "/callboard registry import": "import a copy of a do-not-call registry",
        "/callboard consent add +1 202 555 0155 form": "write down who agreed",
        "/callboard consent +1 202 555 0155": "see who agreed to be called",
        "/digest daily 18:00": "subscribe",
        "/digest stop": "stop it",
        "/voicemsg templates add": "store and delete messages",
        "/contacts add +1 202 555 0155 Noa": "add contacts",
        "/contacts import": "import contacts",
        "/contacts remove Noa": "remove a contact",
        "/digest now": "/digest now",
        "/calls waiting": "ring or wait in a queue",
        "/calls log fetch": "fetch older calls",
        "/campaign": "see campaigns",
        "/campaign start Spring sale": "start, stop, fill",
        "/campaign calllist Autumn offers": "make a call list for oneself",
        "/campaign calllist Autumn offers for <@U4|max>": "give call lists to others",
    }
    for line, words in tries.items():
        (role,) = [row[1].partition(" ")[0] for row in table if words in row[0]]
        for user in ("U9", "U2", "U1"):
            refused = "Only " in await desk.type(line, user=user)
            assert refused == (user not in allowed[role]), (line, user)


# Settings


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


# Providers


@every_provider
def test_every_provider_has_its_page(name: str) -> None:
    page, kind = read(f"docs/providers/{name}.md"), provider_class(name)
    assert page.startswith(f"# {kind.title}\n")
    told = {row[0].strip("`"): row[-1] for row in rows(section(page, "## Settings"))}
    assert told == {f"{name}_{setting.name}".upper(): defaults(setting) for setting in kind.settings}
    for path in kind.hook_paths:
        assert not path or f"`/{path}`" in page
    assert f"](docs/providers/{name}.md)" in read("README.md")


def test_every_status_of_gurulize_is_explained() -> None:
    codes = ", ".join(names(section(read("docs/providers/gurulize.md"), "## What works")))
    assert sorted(int(code) for code in codes.split(", ")) == sorted(EVENTS)


def test_every_refusal_of_voicenter_is_explained() -> None:
    page = read("docs/providers/voicenter.md")
    assert [code for code in names(section(page, "## When it refuses")) if code.isdigit()] == [str(c) for c in HINTS]
    assert f"all {len(TYPES)} call types" in page


def test_every_button_of_a_running_call_is_explained() -> None:
    """docs/call-control.md: each button once, and "–" exactly where a service cannot do it."""
    page = read("docs/call-control.md")
    head = next(line for line in page.splitlines() if line.startswith("| button |"))
    titles = [cell.strip() for cell in head.strip("|").split("|")][1:-1]
    kinds = {provider_class(name).title: provider_class(name) for name in NAMES}
    operations = {label: action_id.partition(":")[2] for action_id, label in LABELS.items()} | {"Hang up": "hang_up"}
    told = [(re.findall(r"\*([^*]+)\*", row[0]), row[1:-1]) for row in rows(section(page, page.splitlines()[0]))]
    assert sorted(label for labels, _ in told for label in labels) == sorted(operations)
    for labels, cells in told:
        for title, cell in zip(titles, cells, strict=True):
            assert {kinds[title].can(operations[label]) for label in labels} == {cell != "–"}, (labels, title)
    left_out = [kind for title, kind in kinds.items() if title not in titles]
    assert not any(kind.can(operation) for kind in left_out for operation in operations.values())


def test_every_setting_of_a_step_is_explained() -> None:
    page = read("docs/routing.md")
    assert names(section(page, page.splitlines()[0])) == list(KINDS)
    told = rows(section(page, "## All settings of a step"))
    known = {field for kind in KINDS.values() for field in kind.__struct_fields__} - {"name"}
    assert {name for row in told for name in re.findall(r"`([a-z_]+)`", row[0])} == {*known, "choices"}


# Workflow steps


def test_the_outcomes_of_a_workflows_call_are_explained() -> None:
    """A call that was not placed has none: the step fails."""
    told = {row[0].strip("`"): row[1] for row in rows(section(read("docs/workflow-steps.md"), "## Place a call"))}
    not_placed = {Outcome.REFUSED, Outcome.NOT_PLACED}
    known = {str(outcome): words for outcome, words in SHORT.items() if outcome not in not_placed}
    assert told == known | {"answered": "was answered"}


# The simulator


def test_the_simulators_endings_are_listed() -> None:
    told = rows(section(read("docs/simulator.md"), "## The last two digits say how the owner of a number behaves"))
    known = [[digits, found.name, found.description] for digits, found in BEHAVIOURS.items()]
    assert told == [*known, ["any other", ANSWERS.name, ANSWERS.description]]


async def test_the_simulators_controls_are_listed() -> None:
    page = read("docs/simulator.md")
    async with httpx.AsyncClient() as http:
        world = SimulatedWorld({}, clock=RealClock(), http=http)
    controls = {str(path) for route in world.app.routes if (path := getattr(route, "path", "")).startswith("/_sim/")}
    assert set(re.findall(r"/_sim/\w+", page)) == controls
    assert names(section(page, "## Controls"))[-6:] == list(get_args(IncomingKind))


# Running it


def test_the_figures_of_the_digest_are_defined() -> None:
    """Copy what the failure shows into docs/how-it-works.md."""
    told = "\n".join(f"- **{name.replace('_', ' ')}**: {meaning}" for name, meaning in DEFINITIONS.items())
    assert read("docs/how-it-works.md").endswith(f":\n\n{told}\n")


async def test_the_health_addresses_answer(desk: Office) -> None:
    told = names(section(read("docs/deploying.md"), "## Health"))
    assert told == ["/healthz/live", "/healthz"]
    live, ready = [await desk.http.get(path) for path in told]
    assert (live.status_code, live.text) == (200, "alive")
    assert ready.status_code == 200
    assert {"ready", "database", "slack", "providers"} <= set(ready.json())


async def test_the_backup_command_makes_a_whole_copy(desk: Office, tmp_path: Path) -> None:
    (command,) = re.findall(r'bin/python -c "(.+)"', read("docs/deploying.md"))
    await desk.contact("+12025550123", "Noa Green")
    copy = tmp_path / "copy.sqlite"
    code = command.replace("/var/lib/callboard/callboard.sqlite", str(desk.board.db.path))
    code = code.replace("/var/backups/callboard.sqlite", str(copy))
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code)
    assert await asyncio.wait_for(process.wait(), 30) == 0
    with sqlite3.connect(copy) as database:
        assert database.execute("SELECT name FROM contacts").fetchall() == [("Noa Green",)]
    database.close()


def tables() -> set[str]:
    database = sqlite3.connect(":memory:", isolation_level=None)
    schema.migrate(database)
    found = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    database.close()
    return {name for name in found if not name.startswith(("sqlite_", "_"))}


def test_every_table_is_accounted_for() -> None:
    told = [name for row in rows(read("docs/privacy.md")) for name in re.findall(r"`([a-z_]+)`", row[1])]
    assert sorted(told) == sorted(tables())


async def test_a_number_is_forgotten(desk: Office) -> None:
    """Every recipe step is run over a day in which the number was met in every way."""
    number, other = "+12025550123", "+12025550124"
    await desk.link("U1")
    for caller, name in ((number, "Noa Green"), (other, "Sam Hill")):
        await desk.contact(caller, name)
        await desk.type(f"/call {caller} note about the offer")
        await desk.type(f"/contacts add {caller} {name}", user="U9")
    await desk.board.tell("U1", f"Reminder: you wanted to call {pretty(number)}.", "reminder")
    await desk.type("/call +12025550125")  # with somebody else, in which the number is consulted
    batch = Batch("batch1", "U1", "@U1", "voicenter", "ended", 0, 0, "", 1, b'{"text":"For Noa Green"}')
    await desk.board.write(messages.write, batch, [Recipient("batch1", 0, number, "Noa Green", "stopped", 0)], 0)
    (brought_in,) = [call for call in await desk.board.read(calls.open_calls) if call.number == "+12025550125"]
    table = f"number,name\n{number},Noa Green\n{other},Sam Hill\n".encode()
    listed = await calling_lists.prepare(desk.board, "U9", "Autumn", ["U1"], table, "autumn.csv", "asked")
    await calling_lists.give_out(desk.board, "U9", listed.id)
    consult = Controlled(at=desk.board.now(), by="U1", action="consult", detail=number)
    await desk.board.ingest(brought_in.account, [consult], call_id=brought_in.id)

    def unclear(db: sqlite3.Connection) -> None:
        """Somebody else was to be put through to the number, and nobody knows whether they were."""
        (theirs,) = [call for call in calls.open_calls(db) if call.number == other]
        ledger.write_intent(db, "joins:1", "U1", CONTROL, f'["forward","{number}"]'.encode(), 0)
        ledger.bind_intent(db, "joins:1", theirs.id)

    await desk.board.write(unclear)

    def answered(db: sqlite3.Connection) -> None:
        """A workflow's step failed, and Slack was not told yet."""
        workflow_steps.begin(db, "Fx1", "place_a_call", "U1", "U4", 0)
        words = f'{{"error":"No contact is called “Noa Green”; {pretty(number)} is nobody."}}'.encode()
        assert workflow_steps.answer(db, "Fx1", words, 0, state="asked")

    await desk.board.write(answered)
    for called in (number, other):
        await desk.type(f"/calls log add {called}")
        assert await desk.submit({"minutes": "5", "note": f"about {called}"}) == {}
        await desk.type(f"/calls log {called}")
        await desk.press("log:export", desk.slack.ephemerals[-1], "C1")

    def texts(database: sqlite3.Connection) -> str:
        found = (database.execute(f"SELECT * FROM {table}").fetchall() for table in sorted(tables()))
        return "\n".join(str(tuple(row)) for part in found for row in part)

    path = desk.board.db.path
    desk.board.db.close()
    database = sqlite3.connect(path, isolation_level=None)
    before = texts(database)
    (recipe,) = re.findall(r"```sql\n(.*?)```", read("docs/privacy.md"), re.DOTALL)
    for statement in recipe.split(";\n"):
        database.execute(statement, {"number": number} if ":number" in statement else {})
    after = texts(database)
    database.close()
    for words in (number, pretty(number), "Noa Green"):
        assert words in before
        assert words not in after
    assert "Sam Hill" in after
    assert after.count(other) > 3
    assert number.encode() not in path.read_bytes()


async def test_a_colleague_who_has_left_is_forgotten(desk: Office) -> None:
    """They can type nothing any more, so whoever runs Callboard does it."""
    user = "U0123456789"
    desk.slack.users[user] = dataclasses.replace(desk.slack.users["U1"], id=user, name="Lee Lane")
    await desk.link(user)
    there = presence.Presence("4711", "available", 0)
    await desk.board.write(presence.save_presence, user, "voicenter", there, 0, "status", "available")
    await desk.board.write(web_phones.save, web_phones.Phone(user, "voicenter", "4711", b"sealed"))
    await desk.board.write(ledger.subscribe, f"@{user}", "daily", b"{}", user, 0)
    text = section(read("docs/privacy.md"), "## Forgetting one number").partition("A colleague")[2]
    recipe = [found for found in re.findall(r"`(DELETE FROM [^`]+)`", text) if user in found]
    assert len(recipe) == 4
    await desk.board.db.write(lambda db: [db.execute(statement) for statement in recipe] and None)

    def left(db: sqlite3.Connection) -> list[str]:
        rows = {table: str([tuple(row) for row in db.execute(f"SELECT * FROM {table}")]) for table in tables()}
        return [table for table, found in rows.items() if user in found or "Lee Lane" in found]

    assert await desk.board.read(left) == ["audit"]  # what they did stays


async def test_a_copy_that_is_put_back_calls_nobody(desk: Office) -> None:
    """Who waited when it was made may have been called since."""
    await desk.link("U1")
    numbers = [f"+1202555013{digit}" for digit in range(4)]
    for state in ("running", "draft", "asked", "paused"):
        batch = Batch(state, "U1", "@U1", "voicenter", state, 0, 0, "", 0, b'{"text":"It is ready."}')
        await desk.board.write(messages.write, batch, [Recipient(state, 0, numbers[0], "", "waiting", 0)], 0)
    table = "number\n" + "\n".join(numbers)
    listed = await calling_lists.prepare(desk.board, "U9", "Autumn", ["U1"], table.encode(), "autumn.csv", "asked")
    await calling_lists.give_out(desk.board, "U9", listed.id)
    await auto_dial.start(desk.board, "U1", listed.id, 5)
    shown = await calling_lists.prepare(desk.board, "U9", "Winter", ["U1"], table.encode(), "winter.csv", "shown")
    states: tuple[store.BatchState, ...] = ("preview", "asked", "adding")
    for one in states:
        await desk.board.write(store.create, store.Batch(one, "voicenter", "c", "Sale", "sale.csv", "U9", 0, one))

    (recipe,) = re.findall(r"```sql\n(.*?)```", read("docs/deploying.md"), re.DOTALL)
    await desk.board.db.write(lambda db: [db.execute(statement) for statement in recipe.split(";\n")] and None)
    desk.clock.advance(5)
    await desk.settle()
    assert "A copy of the database was put back." in desk.conversation("U9")[-1].text
    assert await desk.board.read(messages.waiting) == []
    assert await desk.board.read(messages.asked) == []
    assert await desk.board.read(store.unfinished) == []
    assert [found.id for found in await desk.board.read(store.open_lists)] == ["adding"]
    for name in ("preview", "asked"):  # whose buttons would call whom they called since
        discarded = await desk.board.read(store.get, name)
        assert discarded is not None
        assert discarded.state == "dropped"
    with pytest.raises(CallboardError):
        await calling_lists.give_out(desk.board, "U9", shown.id)
    paused = await desk.board.read(messages.get, "paused")
    assert paused is not None
    assert paused.state == "stopped"
    assert await desk.board.read(offers.going) == []
    await calling_lists.resume(desk.board, "U9", listed.id)
    assert await desk.board.read(offers.going) == []


# The house


def test_the_tree_names_every_module() -> None:
    text = section(read("CONTRIBUTING.md"), "## The rooms")
    told = set(re.findall(r"[\w*]+(?:\.py|/)", text))
    there = [f"{path.name}/" if path.is_dir() else path.name for path in (ROOT / "bot").iterdir()]
    there = [name for name in there if name not in ("__init__.py", "__pycache__/", "py.typed")]
    patterns = [re.compile(name.replace(".", r"\.").replace("*", r"\w*")) for name in told]
    assert [name for name in there if not any(pattern.fullmatch(name) for pattern in patterns)] == []
    plain = {name for name in told if name.endswith(".py") and "*" not in name} - {"__init__.py"}
    everywhere = {path.name for path in ROOT.glob("*/**/*.py")}
    assert plain - everywhere == set(), "the tree names what is not there"


def test_the_pure_modules_are_named() -> None:
    (row,) = [row for row in rows(read("CONTRIBUTING.md")) if row[1].startswith("anything that does I/O")]
    assert {f"bot.{name}" for name in row[0].strip("`").split()} == set(PURE)


def test_the_commands_of_the_readme_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE))
    shown = {match for page in PAGES for match in re.findall(r"\bmake ([a-z]+)\b", page.read_text(encoding="utf-8"))}
    assert {"demo", "test"} <= shown & targets
    assert shown & {"demo", "test", "setup", "lint", "format", "bench", "lock", "clean", "help"} <= targets


# All pages


def anchors(page: Path) -> set[str]:
    """Of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@every_page
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)]+)\)", page.read_text(encoding="utf-8")):
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        assert target.exists(), f"{page.name} links to {link}, which does not exist"
        assert not anchor or anchor in anchors(target), f"{page.name} links to {link}, a heading that does not exist"


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, ahead = set[Path](), [ROOT / "README.md"]
    while ahead:
        page = ahead.pop()
        if page.suffix == ".md" and page not in reached:
            reached.add(page)
            ahead += [(page.parent / link).resolve() for link in re.findall(r"\]\(([^)#]+)", page.read_text("utf-8"))]
    assert set(PAGES) == reached


@every_page
def test_numbers_are_fictional(page: Path) -> None:
    reserved = r"\+120255501[\dx]{2}|\+447700900[\dx]{3}|\+97250555[\dx]{4}|\+90555000[\dx]{4}|\+7999000[\dx]{4}"
    for written in re.findall(r"\+\d[\dx ]+", page.read_text(encoding="utf-8")):
        number = written.replace(" ", "")
        assert re.fullmatch(reserved, number) or len(number) < 8, number
