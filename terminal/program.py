"""The start and the end of every program of the harness."""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import sys
from typing import Any, NoReturn

from terminal.plain import print_error

INTERRUPTED_STATUS = 130


def run_program(module: str, *, sigterm_interrupts: bool = False) -> NoReturn:
    """Import the module that holds a program's `main`, call it, and exit with the status that it returns.

    If output cannot be written, print one sentence and exit with status 2.

    Ctrl-C prints one line and exits with status 130 at any time, even during imports, which take a second or so. With
    `sigterm_interrupts` SIGTERM acts as Ctrl-C does, so that the program ends its children.
    """
    try:
        main = _import_program(module)
        if sigterm_interrupts:
            signal.signal(signal.SIGTERM, _interrupt)
        status = main()
    except KeyboardInterrupt:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
        _end_interrupted()
    sys.exit(_flush_output(status))


def _flush_output(status: int) -> int:
    """Flush standard output; return the status, or 2 instead of 0 if the output cannot be written."""
    try:
        if sys.stdout is not None:  # it is None if the caller has closed it
            sys.stdout.flush()
    except OSError as error:
        # Python would try again with what is left, and print a traceback.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not status:
            print_error(f"standard output: {error.strerror}")
            return 2
    return status


def _import_program(module: str) -> Any:
    """Import a program's `main`; Ctrl-C meanwhile ends the process at once.

    An extension module, such as NumPy's, may turn a KeyboardInterrupt during its import into an ImportError.
    """
    before = signal.getsignal(signal.SIGINT)
    # A process that was started in the background ignores Ctrl-C, and keeps ignoring it.
    if before is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end_interrupted)
    main = importlib.import_module(module).main
    signal.signal(signal.SIGINT, before)
    return main


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def _end_interrupted(*_: object) -> NoReturn:
    # Not by sys.exit: a second Ctrl-C would interrupt Python's own cleanup with a traceback.
    os.write(sys.stderr.fileno(), b"interrupted\n")
    os._exit(INTERRUPTED_STATUS)
