"""Reports as tests make them that read their words alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.command_line import main


def report_in_words(run: Path) -> None:
    """Do what `analysis report` does, except that its charts are made and not rendered.

    Rendering takes most of a report's time; tests/analysis/test_charts.py and test_report.py do it.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("analysis.charts.canvas.Chart.write", lambda *_: "<svg></svg>")
        assert main(["report", str(run)]) == 0
