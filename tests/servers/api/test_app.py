"""The documents in docs/ say what the apps do."""

from __future__ import annotations

import re

import pytest

from contract import wire
from servers import command_line as program
from tests.servers.conftest import CHECKOUT

ASYNCAPI = (CHECKOUT / "docs" / "asyncapi.yaml").read_text()


def test_the_committed_openapi_document_is_current(capsys: pytest.CaptureFixture[str]) -> None:
    assert program.main(["openapi"]) == 0
    committed = (CHECKOUT / "docs" / "openapi.json").read_text()
    assert capsys.readouterr().out == committed, "run: python -m servers openapi > docs/openapi.json"


@pytest.mark.parametrize("path", [wire.WEBSOCKET_PATH, wire.WEBSOCKET_ECHO_PATH, wire.SSE_PATH])
def test_asyncapi_describes_every_channel(path: str) -> None:
    assert f"address: {path}\n" in ASYNCAPI


def test_asyncapi_names_the_codes_and_fields_of_the_wire() -> None:
    assert str(wire.CURSOR_TOO_OLD_CLOSE_CODE) in ASYNCAPI
    required = re.search(r"required: \[(seq.*)\]", ASYNCAPI)
    assert required is not None
    assert required[1].split(", ") == list(wire.Event.__slots__)


def test_asyncapi_refers_only_to_what_it_defines() -> None:
    for reference in re.findall(r'\$ref: "#/([^"]+)"', ASYNCAPI):
        position = 0
        for depth, name in enumerate(reference.split("/")):
            found = re.compile(rf"^{'  ' * depth}{re.escape(name)}:", re.MULTILINE).search(ASYNCAPI, position)
            assert found is not None, reference
            position = found.end()
