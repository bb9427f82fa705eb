from __future__ import annotations

from loadtests.clients.recorder import Problems, excerpt


def test_a_sentence_is_kept_once_and_in_its_order() -> None:
    problems = Problems()
    for sentence in ("b", "a", "b"):
        problems.add(sentence)
    assert list(problems) == ["b", "a"]


def test_beyond_the_first_few_kinds_further_ones_are_counted() -> None:
    problems = Problems()
    for number in range(40):
        problems.add(f"problem {number % 30}")
    kept = list(problems)
    assert len(kept) == 13
    assert kept[0] == "problem 0"
    assert kept[-1].startswith("18 further problems")


def test_what_a_sentence_is_about_is_shown_by_the_first_example() -> None:
    problems = Problems()
    for example in (b"one", b"two"):
        problems.add("answered 404", example)
    assert list(problems) == ["answered 404: 'one'"]


def test_an_excerpt_is_short_and_prints_nothing_but_text() -> None:
    assert excerpt(b"<html>") == "'<html>'"
    assert excerpt(b"\x1b[31m\xff\r\n") == r"'\x1b[31m\\xff\r\n'"
    assert excerpt(b"x" * 81) == f"'{'x' * 80}'…"
    assert excerpt(b"") == "''"
