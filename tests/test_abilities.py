"""`callboard providers`, and the tables of the docs that are made from the same classes."""

import json
from pathlib import Path

import pytest

from bot.__main__ import main
from bot.operations import operations
from bot.providers import NAMES, provider_class

pytestmark = pytest.mark.usefixtures("loggers_as_before")
PAGE = Path(__file__).parents[1] / "docs" / "providers" / "README.md"


@pytest.mark.parametrize("name", NAMES)
def test_json_names_what_the_class_can_do(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["providers", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)[name]
    kind = provider_class(name)
    assert {operation: operation in told["operations"] for operation in operations()} == {
        operation: kind.can(operation) for operation in operations()
    }
    assert set(told["order_options"]) == kind.order_options
    assert set(told["message_options"]) == kind.message_options
    assert set(told["conference_options"]) == kind.conference_options
    assert set(told["webhooks"]) == set(kind.hook_paths)


def test_text_names_every_service_and_what_it_can_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["providers"]) == 0
    parts = capsys.readouterr().out.strip().split("\n\n")
    for name, part in zip(NAMES, parts, strict=True):
        kind = provider_class(name)
        assert part.startswith(f"{kind.title} ({name})")
        for operation, phrase in operations().items():
            assert (f"  can {phrase}\n" in f"{part}\n") == kind.can(operation), (name, operation)


def test_the_tables_of_the_docs_are_true(capsys: pytest.CaptureFixture[str]) -> None:
    """Copy what `callboard providers --markdown` prints into docs/providers/README.md, below its first paragraph."""
    assert main(["providers", "--markdown"]) == 0
    assert (
        PAGE.read_text(encoding="utf-8").partition("\n\n| Can |")[2]
        == capsys.readouterr().out.strip().partition("| Can |")[2] + "\n"
    )
