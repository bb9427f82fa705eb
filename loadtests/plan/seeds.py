"""The seed of a run, from which all that is random in it follows: streams, phases of clients, orders of trials."""

from __future__ import annotations

import re
import secrets

from contract.errors import UserError

MAX_BLOCKS = 1000
"""The next seed's blocks begin there; no point ever gets more trials."""
MAX_SEED = 2**53 // MAX_BLOCKS - 1
"""JSON as any language reads it keeps the seeds of all blocks exact."""
_SHOWN_CHARACTERS = 80
_DRAWN_SEEDS = 10**9
"""Nine digits are soon typed again, and no two runs are likely to share them."""


def draw_seed() -> int:
    """Return a seed that nobody has chosen."""
    return secrets.randbelow(_DRAWN_SEEDS)


def checked_seed(text: str, name: str = "SEED") -> int | None:
    """Return the seed that was asked for, or None if the text is empty; UserError if it is no seed."""
    if not text:
        return None
    if not re.fullmatch("[0-9]{1,15}", text) or int(text) > MAX_SEED:
        raise UserError(f"{name}={text[:_SHOWN_CHARACTERS]}: not a seed (expected a whole number from 0 to {MAX_SEED})")
    return int(text)


def block_seed(seed: int, block: int) -> int:
    """Return the seed of one block of a run, which no other block of any run has."""
    return seed * MAX_BLOCKS + block


def describe_seed(seed: int) -> str:
    """Say which seed a run has, and how to get it again."""
    return f"seed {seed}; repeat with SEED={seed}"
