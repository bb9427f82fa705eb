"""Tsung: sessions in XML on Erlang, with one lightweight process per client."""

from __future__ import annotations

import math
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from jinja2 import Environment

from benchmarks.peers.tool import (
    Job,
    Launch,
    Tool,
    ToolDescription,
    ToolError,
    ToolReport,
    find_program,
    first_match,
    output_of,
)
from benchmarks.peers.workloads import BEYOND_THE_STREAM, WorkName
from contract import wire
from system.addresses import free_port

_ARRIVALS_PER_S = {"websocket": 500, "poll": 50}
_ARRIVING_S = 0.5
_ARRIVALS_LIMIT_S = 20
"""Arrivals are random; the phase ends earlier, as soon as all have arrived."""
_NAMES_WAIT_S = 2.0
_ENDLESS = 1_000_000_000
"""The number of polls of a session, which ends with the load's duration."""

_XML = """\
<?xml version="1.0"?>
<!DOCTYPE tsung SYSTEM "{{ dtd }}">
<tsung loglevel="notice" version="1.0">
  <clients><client host="localhost" use_controller_vm="true" maxusers="{{ clients * 2 }}"/></clients>
  <servers><server host="{{ host }}" port="{{ port }}" type="tcp"/></servers>
  <load{% if work == "poll" %} duration="{{ stay_s }}" unit="second"{% endif %}>
    <arrivalphase phase="1" duration="{{ limit_s }}" unit="second">
      <users maxnumber="{{ clients }}" arrivalrate="{{ arrivals_per_s }}" unit="second"/>
    </arrivalphase>
  </load>
  <sessions>
{% if work == "websocket" %}
    <session name="listen" probability="100" type="ts_websocket">
      <request><websocket type="connect" path="{{ path }}"/></request>
      <thinktime value="{{ stay_s }}" random="false"/>
      <request><websocket type="close"/></request>
    </session>
{% else %}
    <session name="poll" probability="100" type="ts_http">
      <for var="poll" from="1" to="{{ endless }}">
        <request><http url="{{ path }}" method="GET" version="1.1"/></request>
      </for>
    </session>
{% endif %}
  </sessions>
</tsung>
"""


class Tsung(Tool):
    """One session per client, all in the controller's own virtual machine."""

    name = "tsung"
    oldest = (1, 6)
    works: ClassVar[Mapping[WorkName, ToolDescription]] = {
        "websocket": ToolDescription(
            "websocket plugin, controller and clients in one virtual machine; between connect and close a session "
            "thinks, and what the server pushes is counted",
            "nothing of pushed messages: it times only requests that have an answer",
            (
                "the latency of anything pushed",
                "messages: what arrives between requests is counted in reads and bytes, and not decoded",
                "single deliveries",
                "lost, duplicate or reordered events",
            ),
        ),
        "poll": ToolDescription(
            "http plugin; a loop of polls without think time; no cursor, so that every answer is empty",
            "from a poll's request to its answer, as a mean (percentiles only by logging every request)",
            (
                "percentiles, as it is set up by default",
                "its own delay",
                "how old an event is",
            ),
        ),
    }

    def __init__(self) -> None:
        self._names_port = 0

    def find(self) -> Path | None:
        return find_program("TSUNG", "tsung")

    def version(self, program: Path) -> str:
        return str(first_match(r"Tsung version (\S+)", output_of([str(program), "-v"]), "version of tsung")[1])

    @contextmanager
    def companions(self, job: Job) -> Iterator[None]:
        """Run Erlang's name server on its own port: one that Tsung starts would outlive it, and face the network."""
        program = shutil.which("epmd")
        if program is None:
            raise ToolError("epmd: not on PATH (expected Erlang's name server, without which tsung does not start)")
        self._names_port = free_port()
        names = subprocess.Popen(
            [program, "-port", str(self._names_port)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "ERL_EPMD_ADDRESS": "127.0.0.1"},
            start_new_session=True,
        )
        try:
            yield
        finally:
            names.terminate()
            try:
                names.wait(_NAMES_WAIT_S)
            except subprocess.TimeoutExpired:
                names.kill()
                names.wait()

    def launch(self, program: Path, job: Job) -> Launch:
        polls = job.work.name == "poll"
        text = (
            Environment(autoescape=True, trim_blocks=True)
            .from_string(_XML)
            .render(
                dtd=_dtd(program),
                work=job.work.name,
                clients=job.work.clients,
                host=job.host,
                port=job.port,
                endless=_ENDLESS,
                limit_s=_ARRIVALS_LIMIT_S,
                arrivals_per_s=_ARRIVALS_PER_S[job.work.name],
                path=f"{wire.SHORT_POLL_PATH}?after={BEYOND_THE_STREAM}" if polls else wire.WEBSOCKET_PATH,
                # The first client stays until the last has finished; random arrivals may take longer than their mean.
                stay_s=math.ceil(job.stay_s + 1.3 * job.work.clients / _ARRIVALS_PER_S[job.work.name] + _ARRIVING_S),
            )
        )
        configuration = job.folder / "tsung.xml"
        configuration.write_text(text, encoding="utf-8")
        environment = {
            "HOME": str(job.home),
            "ERL_EPMD_PORT": str(self._names_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_FLAGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        }
        return Launch([str(program), "-f", str(configuration), "-l", str(job.folder), "-n", "start"], environment)

    def read_report(self, job: Job, output: str) -> ToolReport:
        logs = sorted(job.folder.glob("*/tsung.log"))
        if not logs:
            raise ToolError(f"tsung left no log in {job.folder}")
        lines = logs[-1].read_text(encoding="utf-8", errors="replace")
        if job.work.name == "websocket":
            counted = re.findall(r"^stats: async_unknown_data_rcv \d+ (\d+)$", lines, re.MULTILINE)
            return ToolReport(int(counted[-1]) if counted else 0, None, None)
        # Columns: count, mean and deviation of the last seconds; maximum and minimum; mean and count before them.
        rows = re.findall(r"^stats: request (\d+) (\S+) \S+ \S+ \S+ (\S+) (\d+)$", lines, re.MULTILINE)
        if not rows:
            raise ToolError("tsung counted no request in its log")
        last, last_mean_ms, before_mean_ms, before = (float(value) for value in rows[-1])
        return ToolReport(int(last + before), None, (last * last_mean_ms + before * before_mean_ms) / (last + before))


def _dtd(program: Path) -> Path:
    """Return the DTD of the installation, which Tsung does not read but its configuration must name."""
    for prefix in program.resolve().parents:
        beside = prefix / "share" / "tsung" / "tsung-1.0.dtd"
        if beside.is_file():
            return beside
    raise ToolError(f"{program}: its share/tsung/tsung-1.0.dtd was not found (expected a complete installation)")
