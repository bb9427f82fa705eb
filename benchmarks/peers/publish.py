"""`python -m benchmarks.peers.publish [FOLDER]`: copies a comparison to results/reference-peers/ and to the docs.

With that folder itself it renews the tables of the docs.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from benchmarks.peers.run import FOLDER_NAME
from benchmarks.peers.summary import read_summary
from benchmarks.peers.table import markdown
from contract.errors import UserError
from contract.records import SUMMARY_FILE
from system.processes import PROJECT_FOLDER

COMMITTED = PROJECT_FOLDER / "results" / "reference-peers"
DOCUMENT = PROJECT_FOLDER / "docs" / "method" / "peers.md"
UNPUBLISHED = "No comparison on a quiet machine has been published yet.\n"
"""The text in the table's place before the first publication."""
BEGIN, END = "<!-- begin of the table -->\n", "<!-- end of the table -->\n"


def with_table(document: str, table: str) -> str:
    """Return the document with the text between its two marks replaced."""
    before, _, rest = document.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table}\n{END}{after}"


def main(arguments: list[str]) -> int:
    """Publish, and return the exit status."""
    folder = Path(arguments[0]) if arguments else PROJECT_FOLDER / "results" / FOLDER_NAME
    try:
        summary = read_summary(folder)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if folder.resolve() != COMMITTED.resolve():
        COMMITTED.mkdir(exist_ok=True)
        shutil.copyfile(folder / SUMMARY_FILE, COMMITTED / SUMMARY_FILE)
    DOCUMENT.write_text(with_table(DOCUMENT.read_text(encoding="utf-8"), markdown(summary)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
