"""Texts for counts and durations."""

from __future__ import annotations


def plural(number: float, noun: str) -> str:
    """Return `1 trial`, `3,000 trials` or `0.5 events`."""
    shown = f"{number:,}" if isinstance(number, int) else f"{number:g}"
    return f"{shown} {noun}{'' if number == 1 else 's'}"


def minutes_and_seconds(seconds: float) -> str:
    """Return `45 s` or `3 min 5 s`."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{f'{minutes} min ' if minutes else ''}{rest} s"
