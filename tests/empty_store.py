"""An empty database as all migrations leave it, made once by each process: making one costs more than most tests do.

What migrating does is proven by `test_store_engine.py`, and by whoever starts the whole bot.
"""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.store import Database


def prepared(path: Path) -> Path:
    """The same path, where there is a database by then: an empty one unless there was one before."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_empty())
    return path


@cache
def _empty() -> bytes:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "empty.sqlite"
        Database(file).close()
        return file.read_bytes()
