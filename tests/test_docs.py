"""The docs say what the code does: commands, providers, buttons, steps, figures; and every page can be reached."""

import re
from pathlib import Path
from typing import get_args

import httpx
import pytest

from bot import call_search, gathering, periods, saying, who
from bot.cards.controls import LABELS
from bot.cards.help import FORMS
from bot.cards.outcomes import SHORT
from bot.decide import KINDS
from bot.digest import DEFINITIONS
from bot.errors import BadInput
from bot.events import Outcome
from bot.providers import NAMES, provider_class
from bot.providers.gurulize.status import EVENTS
from bot.providers.voicenter.click2call import HINTS
from bot.providers.voicenter.tables import TYPES
from bot.simulator.app import SimulatedWorld
from bot.simulator.behaviours import ANSWERS, BEHAVIOURS, IncomingKind
from bot.simulator.clock import RealClock
from tests.office import Office
from tests.pages import ROOT, names, read, rows, section, spans
from tests.test_docs_settings import defaults
from tests.test_layers import PURE

NOVEMBER = 1_795_000_000.0
"""Of 2026, after the days that the pages name, seconds since 1970 UTC."""
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
every_provider = pytest.mark.parametrize("name", NAMES)


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
