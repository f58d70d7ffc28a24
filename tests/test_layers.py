"""Who may import whom, read from the source; each rule says why it is there."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

PURE = (
    *(
        "bot.errors",
        "bot.events",
        "bot.call",
        "bot.told",
        "bot.call_state",
        "bot.fold",
        "bot.orders",
        "bot.call_options",
        "bot.hooks",
        "bot.intents",
        "bot.loose",
        "bot.numbers",
        "bot.number_kinds",
        "bot.rules",
        "bot.limits",
        "bot.policy",
        "bot.bulk",
        "bot.tables",
        "bot.contact_rows",
        "bot.registry_rows",
        "bot.consent_rows",
        "bot.places",
        "bot.window",
        "bot.who",
        "bot.names",
        "bot.slack_text",
        "bot.saying",
        "bot.gathering",
        "bot.step_inputs",
        "bot.periods",
        "bot.quiet",
        "bot.roundups",
        "bot.call_search",
        "bot.typed_days",
        "bot.typed_lengths",
        "bot.audit_search",
        "bot.by_hand",
    ),
    *("bot.digest", "bot.digest_words", "bot.routing", "bot.decide", "bot.consent"),
    *("bot.outsiders", "bot.cards"),
)
IO = ("sqlite3", "httpx", "slack_sdk", "slack_bolt", "aiohttp", "starlette", "uvicorn", "socket", "asyncio")
IO_OF_OURS = (
    "bot.store",
    "bot.board",
    "bot.feed",
    "bot.slack_api",
    "bot.web",
    "bot.jobs",
    "bot.dialing",
    "bot.ordering",
    "bot.conferences",
    "bot.permission",
    "bot.approval",
    "bot.unclear",
    "bot.changing",
    "bot.waiving",
    "bot.auto_dial",
    "bot.log_fetching",
    "bot.message_batches",
    "bot.message_queue",
    "bot.messaging",
    "bot.judging",
    "bot.calling_lists",
    "bot.offers",
    "bot.tries",
    "bot.rendering",
    "handlers",
)

KNOWS_ONLY_THE_TYPES_OF_SQLITE = (
    "bot.__main__",
    *(
        "bot.abandoned",
        "bot.alarms",
        "bot.approval",
        "bot.asking",
        "bot.auto_dial",
        "bot.batches",
        "bot.board",
        "bot.calling_lists",
        "bot.catching_up",
        "bot.changing",
        "bot.claiming",
        "bot.conducting",
        "bot.conferences",
        "bot.contact_imports",
        "bot.controlling",
        "bot.data_folder",
        "bot.delivering",
        "bot.dialing",
        "bot.digests",
        "bot.disk",
        "bot.down_time",
        "bot.escalating",
        "bot.feed",
        "bot.guiding",
        "bot.jobs",
        "bot.log_fetching",
        "bot.message_batches",
        "bot.message_queue",
        "bot.messaging",
        "bot.offers",
        "bot.on_record",
        "bot.opting_out",
        "bot.permission",
        "bot.phone_page",
        "bot.polling",
        "bot.recordings",
        "bot.registries",
        "bot.rendering",
        "bot.settings_noted",
        "bot.tries",
        "bot.unclear",
        "bot.waiving",
        "bot.web",
        "bot.step_call",
        "bot.step_kind",
        "bot.step_message",
        "bot.workflow_steps",
        "handlers",
    ),
)
"""They name sqlite3.Connection or sqlite3.Error; `test_sql_is_executed_in_the_store_only` holds them to it."""


@dataclass(frozen=True)
class Import:
    """One imported module, by its full name; `typing_only` under `if TYPE_CHECKING`."""

    by: str
    what: str
    typing_only: bool

    def is_of(self, *packages: str) -> bool:
        return is_in(self.what, *packages)


def is_in(module: str, *packages: str) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


@cache
def sources() -> dict[str, ast.Module]:
    """Module name -> its source."""
    found = {}
    for file in (*ROOT.glob("bot/**/*.py"), *ROOT.glob("handlers/**/*.py")):
        parts = file.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = ast.parse(file.read_text(encoding="utf-8"))
    return found


def imports_in(name: str, tree: ast.Module, *, package: bool) -> list[Import]:
    typed = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for statement in node.body
        for inner in ast.walk(statement)
    }
    found = []
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            parts = name.split(".")
            above = parts[: len(parts) - node.level + package] if node.level else []
            base = ".".join((*above, node.module) if node.module else above)
            # `from bot import who` names a module, `from bot.who import parse` does not: both spellings are kept.
            names = [base, *(f"{base}.{alias.name}" for alias in node.names)]
        found += [Import(name, what, id(node) in typed) for what in names]
    return found


@cache
def imports() -> tuple[Import, ...]:
    packages = {name for name in sources() if any(other.startswith(f"{name}.") for other in sources())}
    return tuple(
        found for name, tree in sources().items() for found in imports_in(name, tree, package=name in packages)
    )


def of(*modules: str) -> Iterator[Import]:
    return (found for found in imports() if is_in(found.by, *modules))


def said(wrong: Iterator[Import]) -> list[str]:
    return sorted({f"{found.by} imports {found.what}" for found in wrong})


def test_imports_are_read_in_every_spelling() -> None:
    source = (
        "import a.b\nfrom . import c\nfrom .d import e\nfrom bot import f\n"
        "def late():\n    import g\nif TYPE_CHECKING:\n    from h import i\n"
    )
    tree = ast.parse(source)

    def names(name: str, package: bool) -> set[str]:
        return {found.what for found in imports_in(name, tree, package=package) if not found.typing_only}

    assert names("bot.x", True) == {
        *("a.b", "bot.x", "bot.x.c", "bot.x.d", "bot.x.d.e", "bot", "bot.f", "g"),
    }
    assert names("bot.x.y", False) == names("bot.x", True)
    assert {found.what for found in imports_in("bot.x", tree, package=True) if found.typing_only} == {"h", "h.i"}


@pytest.mark.parametrize("module", PURE)
def test_a_pure_module_exists_and_does_no_io(module: str) -> None:
    assert module in sources()
    assert said(found for found in of(module) if not found.typing_only and found.is_of(*IO, *IO_OF_OURS)) == []


def test_a_provider_folder_knows_no_slack_sql_or_web_server() -> None:
    ours = ("bot.store", "bot.board", "bot.feed", "bot.web", "bot.cards", "bot.jobs", "bot.dialing", "bot.permission")
    outside = ("sqlite3", "slack_sdk", "slack_bolt", "starlette", "uvicorn", "aiohttp")
    folders = (found for found in of("bot.providers") if not found.by.endswith(".simulator"))
    assert said(found for found in folders if found.is_of(*ours, "handlers", *outside)) == []


def test_a_provider_knows_no_other_provider() -> None:
    def folder(module: str) -> str:
        return ".".join(module.split(".")[:3])

    folders = {folder(name) for name in sources() if name.startswith("bot.providers.")}
    assert folders
    assert said(f for f in of("bot.providers") if folder(f.what) in folders - {folder(f.by)}) == []


def test_handlers_know_no_provider_folder_and_no_web_server() -> None:
    assert said(found for found in of("handlers") if found.is_of("bot.providers", "starlette", "httpx")) == []


def test_sqlite_is_in_the_store_only() -> None:
    allowed = ("bot.store", *KNOWS_ONLY_THE_TYPES_OF_SQLITE)
    found = (found for found in imports() if found.is_of("sqlite3", "sqlite_utils"))
    assert said(found for found in found if not is_in(found.by, *allowed)) == []


def test_sql_is_executed_in_the_store_only() -> None:
    """Neither a call of execute() and its like, nor a word that begins a statement, is found outside."""
    verbs = ("SELECT ", "INSERT ", "UPDATE ", "DELETE ", "CREATE TABLE", "PRAGMA ", "BEGIN IMMEDIATE")
    wrong = []
    for name, tree in sources().items():
        if is_in(name, "bot.store"):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr in ("execute", "executemany", "executescript"):
                wrong.append(f"{name}:{node.lineno} calls {node.attr}")
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith(verbs):
                wrong.append(f"{name}:{node.lineno} holds SQL")
    assert wrong == []


def test_outside_the_store_sqlite_is_only_a_type_or_an_error() -> None:
    used = {
        f"{name}: {ast.unparse(node)}"
        for name, tree in sources().items()
        if not is_in(name, "bot.store")
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "sqlite3"
    }
    assert {use.split(": ")[1] for use in used} <= {"sqlite3.Connection", "sqlite3.Error", "sqlite3.OperationalError"}


WIRING = (
    *("bot.assembly", "bot.workspace", "bot.__main__", "bot.check", "bot.check_slack"),
    *("bot.demo", "bot.demo_check", "bot.demo_terminal"),
)
"""Joins everything, so it may know everything; nobody else may know it."""


def test_slacks_client_is_with_those_who_speak_to_slack_only() -> None:
    allowed = (
        "bot.feed",
        "bot.native_calls",
        "bot.slack_api",
        "bot.step_answers",
        "bot.uploading",
        *WIRING,
        "handlers",
    )
    found = (found for found in imports() if found.is_of("slack_sdk", "slack_bolt"))
    assert said(found for found in found if not is_in(found.by, *allowed)) == []


def test_httpx_is_where_others_than_slack_are_spoken_to_only() -> None:
    allowed = ("bot.provider", "bot.download", "bot.lookup", "bot.providers", "bot.simulator", *WIRING)
    found = (found for found in imports() if found.is_of("httpx"))
    assert said(found for found in found if not is_in(found.by, *allowed)) == []


def test_what_draws_is_a_program_that_nobody_imports() -> None:
    """matplotlib costs 96 MB, and drawing holds up whoever does it."""
    drawing = (found for found in imports() if found.is_of("matplotlib", "numpy", "PIL", "bot.drawing"))
    assert {found.by for found in drawing} == {"bot.drawing"}


def test_nobody_imports_the_wiring() -> None:
    assert said(found for found in imports() if found.is_of("bot.__main__")) == []
    assembling = (found for found in imports() if found.is_of("bot.assembly"))
    assert said(found for found in assembling if not is_in(found.by, *WIRING)) == []


def test_only_the_wiring_knows_the_handlers() -> None:
    known = (found for found in imports() if found.is_of("handlers"))
    assert said(found for found in known if not is_in(found.by, *WIRING, "handlers")) == []


def test_the_store_knows_nobody_above_it() -> None:
    others = ("bot.settings", "bot.settings_reader", "bot.dialing", "bot.permission")
    above = ("bot.board", "bot.feed", "bot.web", "bot.jobs", "bot.rendering", "handlers", *others)
    assert said(found for found in of("bot.store") if found.is_of(*above)) == []
