from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

from contract.records.documents import as_document, parse_record
from contract.transports import KINDS, TRANSPORTS, TransportStyle
from system.processes import PROJECT_FOLDER

REGISTRIES = {"analysis/models/registry.py"}
NAMES = TRANSPORTS.keys() | KINDS.keys() - {"push"}
"""`push` also names a side of the summary's crossovers."""


@pytest.mark.parametrize("package", ["analysis", "loadtests", "system"])
def test_no_module_but_the_registries_names_a_transport_or_a_kind(package: str) -> None:
    for path in (PROJECT_FOLDER / package).rglob("*.py"):
        constants = {n.value for n in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(n, ast.Constant)}
        assert str(path.relative_to(PROJECT_FOLDER)) in REGISTRIES or not constants & NAMES, path


def test_every_transport_is_of_a_known_kind_and_known_by_its_name() -> None:
    for name, transport in TRANSPORTS.items():
        assert transport.name == name
        assert transport.kind is KINDS[transport.model]


def test_a_run_records_a_transports_style_which_reads_the_same_again() -> None:
    for transport in TRANSPORTS.values():
        entry = as_document(transport.style)
        assert parse_record(TransportStyle, json.loads(json.dumps(entry)), Path("run.json")) == transport.style
        assert not entry.keys() & {"server", "client", "parameters"}
