"""The pages of docs/, read: sections, rows of tables, code between backticks."""

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).parents[1]


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
