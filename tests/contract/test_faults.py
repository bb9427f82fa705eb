from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.faults import FAULT_KINDS, Fault, FaultKind, FaultSpecError, parse_fault
from tests.servers.conftest import CHECKOUT

NUMBERS = st.integers(1, 2**53 - 1)
LASTING = ("delay", "stall")


@st.composite
def asked_faults(draw: st.DrawFn) -> Fault:
    kind: FaultKind = draw(st.sampled_from(FAULT_KINDS))
    first, last = sorted((draw(NUMBERS), draw(NUMBERS)))
    everything = kind == "delay" and draw(st.booleans())
    return Fault(
        kind,
        1 if everything else first,
        None if everything else last,
        draw(st.none() | NUMBERS),
        draw(st.integers(1, 60_000_000_000)) if kind in LASTING else 0,
    )


@given(asked_faults())
def test_a_fault_is_what_its_spec_says(fault: Fault) -> None:
    assert parse_fault(str(fault)) == fault


@pytest.mark.parametrize(
    ("spec", "fault"),
    [
        ("drop:seq=5", Fault("drop", 5, 5)),
        ("drop:seq=5-8", Fault("drop", 5, 8)),
        ("delay:ms=40", Fault("delay", lasts_ns=40_000_000)),
        ("delay:ms=0.25,seq=3", Fault("delay", 3, 3, lasts_ns=250_000)),
        ("duplicate:seq=3,client=2", Fault("duplicate", 3, 3, client=2)),
        ("stall:client=1,seq=9,ms=300", Fault("stall", 9, 9, 1, 300_000_000)),
    ],
)
def test_specs_as_people_write_them(spec: str, fault: Fault) -> None:
    assert parse_fault(spec) == fault


@pytest.mark.parametrize(
    ("spec", "trouble"),
    [
        ("", "its kind is not one of drop, duplicate,"),
        ("lose:seq=5", "its kind is not one of"),
        ("drop", "'' is not one of seq=…, client=…"),
        ("drop:", "'' is not one of"),
        ("drop:5", "'5' is not one of"),
        ("drop:seq=5,", "'' is not one of"),
        ("drop:seq=5,ms=3", "'ms=3' is not one of seq=…, client=…"),
        ("drop:seq=5,seq=6", "seq is given twice"),
        ("drop:client=5", "it does not say which events"),
        ("stall:ms=5", "it does not say which events"),
        ("stall:seq=5", "it does not say how long"),
        ("delay:seq=5", "it does not say how long"),
        ("drop:seq=0", "seq=0 is not a number or range"),
        ("drop:seq=8-5", "seq=8-5 is not"),
        ("drop:seq=٣", "seq=٣ is not"),
        ("drop:seq=5-", "seq=5- is not"),
        ("drop:seq=5,client=0", "client=0 is not the number of a client"),
        ("drop:seq=5,client=9999999999999999", "client=9999999999999999 is not"),
        ("delay:ms=0", "ms=0 is not a time"),
        ("delay:ms=0.0000001", "ms=0.0000001 is not"),
        ("delay:ms=60001", "ms=60001 is not"),
        ("delay:ms=nan", "ms=nan is not"),
        ("delay:ms=-1", "ms=-1 is not"),
    ],
)
def test_a_bad_spec_is_one_sentence_with_what_was_expected(spec: str, trouble: str) -> None:
    with pytest.raises(FaultSpecError) as caught:
        parse_fault(spec)
    said = str(caught.value)
    assert said.startswith(f"--fault {spec}: ")
    assert trouble in said
    assert "for example drop:seq=5" in said
    assert "\n" not in said


@given(st.text(max_size=30) | st.from_regex(r"(drop|delay|stall|close):[a-z]{1,6}=[0-9.\-]{0,12}", fullmatch=True))
def test_whatever_is_asked_is_understood_or_refused(spec: str) -> None:
    try:
        fault = parse_fault(spec)
    except FaultSpecError:
        return
    assert parse_fault(str(fault)) == fault


def test_every_kind_is_documented_with_its_keys() -> None:
    document = (CHECKOUT / "docs" / "using" / "faults.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \|[^|]*\| ([^|]*) \|", document, re.MULTILINE)
    assert tuple(kind for kind, _ in rows) == FAULT_KINDS
    for kind, keys in rows:
        values = {"seq": "1", "client": "2", "ms": "3"}
        named = re.findall(r"\w+", keys)
        assert str(parse_fault(f"{kind}:" + ",".join(f"{key}={values[key]}" for key in named)))
