"""`callboard.toml` as somebody has written it, or a sentence why it cannot be read."""

import re
import tomllib
from pathlib import Path
from typing import Any


def parsed(path: Path) -> tuple[dict[str, Any], str]:
    """What stands in the file, and "", or what keeps it from being read.

    Raises:
        FileNotFoundError: there is none.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")  # Windows' editors begin a file with a mark
        return tomllib.loads(text), ""
    except FileNotFoundError:
        raise
    except OSError as error:
        return {}, f"{path} cannot be read ({error.strerror}). Let this user read it, or name another file."
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        return {}, f"{path.name} is not saved as UTF-8: see line {line}. Save it as UTF-8 in your editor."
    except tomllib.TOMLDecodeError as error:
        return {}, f"{path.name} cannot be read as TOML: {error}. {_fix(text, str(error))}"


def _fix(text: str, error: str) -> str:
    """What to do about it: the reader of TOML speaks to programmers."""
    number = re.search(r"at line (\d+)", error)
    lines = text.splitlines()
    line = lines[int(number[1]) - 1] if number and int(number[1]) <= len(lines) else ""
    _, equals, value = line.partition("=")
    if not line:
        return "A quote or a bracket is not closed."
    if re.search("[“”„‘’]", line):
        return "Write straight quotes."
    if section := re.match(r"\s*\[(lines|line)\.([^\"'\]]+)\]", line):
        return f'A number goes in quotes, like [lines."{section[2]}"].'
    if "overwrite a value" in error or "twice" in error:
        return "It stands there twice: keep one."
    if value.strip().casefold() in ("true", "false"):
        return "Write it small, true or false."
    if any(value.split("#")[0].count(quote) % 2 for quote in "\"'"):
        return "A quote is missing at its end."
    if equals and "Invalid value" in error and not value.strip().startswith(("[", "{", '"', "'")):
        return 'A text goes in quotes, like name = "…".'
    return "Mend that line, then start again."
