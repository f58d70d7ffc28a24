"""Tables of numbers as people send them."""

import random

UPLOADED = 100_000
_CODES = (201, 202, 203, 205, 206, 207, 208, 209, 210, 212, 213, 214, 215, 216, 217, 218, 219, 224, 225, 228, 229, 231)


def numbers(count: int) -> bytes:
    """A CSV of so many numbers: 5 % cannot be, and some are there twice."""
    chance = random.Random(count)
    rows = ["number,name,city"]
    for n in range(count):
        code, tail = chance.choice(_CODES), f"{chance.randrange(10_000):04d}"
        how = chance.random()
        if how < 0.05:
            number = f"+1{code}{tail}"
        elif how < 0.5:
            number = f"({code}) 555-{tail}"
        else:
            number = f"+1 {code} {chance.randrange(200, 999)} {tail}"
        rows.append(f"{number},Person {n},Haifa")
    return "\n".join(rows).encode()
