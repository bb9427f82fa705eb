"""The seed of a run, the source of all its randomness: streams, phases of clients, orders of trials."""

from __future__ import annotations

import re
import secrets

from contract.errors import UserError

MAX_BLOCKS = 1000
"""Seeds of blocks are numbered in steps of this; no run has more blocks."""
MAX_SEED = 2**53 // MAX_BLOCKS - 1
"""The largest seed with which the seeds of all blocks are exact in JSON of every language."""
_SHOWN_CHARACTERS = 80
_DRAWN_SEEDS = 10**9
"""Nine digits are quick to type, and no two runs are likely to draw the same."""


def draw_seed() -> int:
    """Return a random seed."""
    return secrets.randbelow(_DRAWN_SEEDS)


def checked_seed(text: str, name: str = "SEED") -> int | None:
    """Parse a seed; return None for an empty text, and raise UserError for anything else that is not a seed."""
    if not text:
        return None
    if not re.fullmatch("[0-9]{1,15}", text) or int(text) > MAX_SEED:
        raise UserError(f"{name}={text[:_SHOWN_CHARACTERS]}: not a seed (expected a whole number from 0 to {MAX_SEED})")
    return int(text)


def block_seed(seed: int, block: int) -> int:
    """Return the seed of one block of a run, which no other block of any run has."""
    return seed * MAX_BLOCKS + block


def describe_seed(seed: int) -> str:
    """Return a sentence with the seed of a run, and how to use it again."""
    return f"seed {seed}; repeat with SEED={seed}"
