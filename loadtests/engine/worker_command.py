"""`make worker`: serves the trials of a master on another machine, one after the other, each with a fresh process."""

from __future__ import annotations

import json
import os
import shutil
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from contract.errors import UserError
from contract.records import JsonObject
from loadtests.engine.load_processes import LOAD_LOG, LOCUSTFILE, SINGLE_THREADED, traceback_problem
from loadtests.engine.messages import END_FILE, JOINED_FILE, WORKER_VARIABLE
from loadtests.engine.worker_records import has_records
from system.addresses import Endpoint, first_accepting, numeric_addresses
from system.processes import Child
from terminal.console import PlainConsole

FIRST_PATIENCE_S = 300.0
"""Patience with the first trial, since the run may be started after its workers."""
NEXT_PATIENCE_S = 60.0
"""Patience between two trials."""
_CHECK_S = 0.2


def serve_trials(host: str, port: int, keep: Path, console: PlainConsole, patience_s: float = FIRST_PATIENCE_S) -> None:
    """Serve trials until the master ends the run, or Ctrl-C; raise UserError if there is no master.

    Records that no master received stay in a folder below `keep`, which is printed.
    """
    master = find_master(host, port, patience_s)
    console.print_sentence(f"waiting for the master at {master} (Ctrl-C ends this)")
    tried = 0
    while True:
        folder = keep / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{os.getpid()}-{tried}"
        end = _serve_one(master, folder, NEXT_PATIENCE_S if tried else patience_s, console)
        if end is None and tried:
            console.print_sentence(f"no further trial within {NEXT_PATIENCE_S:g} s: the run seems to be over")
            return
        if end is None:
            raise UserError(
                f"MASTER={host}: no master on port {port} within {patience_s:g} s "
                "(expected a make bench WORKERS=… LISTEN=… there, and a network that lets it through)"
            )
        if end["end"] == "refused" and not end["may_come_again"]:
            raise UserError(end["reason"])
        message = f"served {end['trial']} with {end['clients']} clients" if end["end"] == "served" else end["reason"]
        console.print_sentence(message)
        if not end.get("more_follow", True):
            console.print_sentence("the run is over")
            return
        tried += 1


def find_master(host: str, port: int, patience_s: float) -> Endpoint:
    """Return the master's address: the only one of its name, or the first of several that accepts connections."""
    try:
        addresses = numeric_addresses(host, port)
    except OSError as error:
        raise UserError(
            f"MASTER={host}: no such host: {error.strerror or error} (expected the name or address of the machine "
            "where make bench WORKERS=… runs)"
        ) from error
    if len(addresses) == 1:
        return Endpoint(addresses[0], port)
    return first_accepting(host, port, f"MASTER={host}", patience_s)


def _serve_one(master: Endpoint, folder: Path, patience_s: float, console: PlainConsole) -> JsonObject | None:
    """Serve one trial with a process of its own; return how it ended, or None if no master appeared in time."""
    worker = ["-m", "loadtests.engine.locust_process", "-f", str(LOCUSTFILE), "--loglevel", "WARNING"]
    worker += ["--worker", "--master-host", master.host_in_url, "--master-port", str(master.port)]
    folder.mkdir(parents=True)
    given_up, printed = False, None
    deadline = time.monotonic() + patience_s
    try:
        with Child(worker, folder / LOAD_LOG, environment={WORKER_VARIABLE: str(folder), **SINGLE_THREADED}) as process:
            while process.wait(_CHECK_S) is None:
                if time.monotonic() > deadline and not (folder / JOINED_FILE).exists():
                    return None
        end = _end(folder, process)
        printed = traceback_problem("the load process", folder / LOAD_LOG)
        given_up = end["end"] in ("served", "refused")
        return end
    finally:
        if printed:
            console.print_sentence(f"{printed}, in {folder}")
        elif given_up or not has_records(folder):
            shutil.rmtree(folder)
            with suppress(OSError):
                folder.parent.rmdir()  # only if nothing else is kept in it
        else:
            console.print_sentence(f"records that no master received are kept in {folder}")


def _end(folder: Path, process: Child) -> JsonObject:
    try:
        end: JsonObject = json.loads((folder / END_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        status, output = process.exit_code, process.last_output()
        return {"end": "failed", "reason": f"the worker process ended with exit status {status}: {output}"}
    return end
