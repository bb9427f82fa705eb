"""The section 'Scale' shows what the summary says: marked where invalid, a dash where not measured."""

from __future__ import annotations

import re
from pathlib import Path

from analysis.report.scale_tables import scale_notes, scale_tables
from analysis.summary.results import Results
from contract.parameters import Parameters
from tests import fabricate
from tests.analysis import made_summary as made
from tests.runs import report_in_words


def results() -> Results:
    return made.results(made.scaled(), made.BASE)


def test_every_number_of_clients_has_a_row_and_every_transport_its_knee() -> None:
    points, knees, flat = scale_tables(results())
    assert len(points.rows) == 4 * len(made.SCALED_CLIENTS)
    assert [row[0].text for row in knees.rows] == ["WebSocket", "SSE", "Long poll", "Short poll"]
    assert len(flat.rows) == 4
    assert points.rows[-1][0].text == "Short poll, 10,000 clients"
    assert points.rows[-1][0].small == "INVALID"
    assert points.rows[0][0].small == ""


def test_flat_and_not_flat_are_told_with_their_range() -> None:
    flat = scale_tables(results())[2]
    cells = {row[0].text: row[1] for row in flat.rows}
    assert cells["WebSocket"].small == "flat from 50 to 10,000"
    assert cells["Long poll"].small == "×1.50, NOT flat from 50 to 10,000"
    assert cells["Short poll"].text == "—"


def test_laws_stand_beside_the_slopes() -> None:
    knees = scale_tables(results())[1]
    row = dict(zip(knees.columns, knees.rows[0], strict=True))
    assert str(row["mean, µs per client"]) == "10.2 [9.50, 11.0]"
    assert row["by the law c/2"].text == "10.0"
    assert str(row["server's service time µs"]) == "20.0 per delivery"
    short = dict(zip(knees.columns, knees.rows[3], strict=True))
    assert short["by the law c"].text == "—"


def test_a_run_without_scale_has_no_such_section() -> None:
    plain = made.results(made.standard(), made.BASE)
    assert scale_tables(plain) == []
    assert scale_notes(plain) == []
    assert scale_notes(results())


class Crowds(fabricate.Fabrication):
    """One transport with 2, 6 and 20 clients."""

    def points(self) -> list[tuple[str, Parameters]]:
        return [(name, self._parameters(name, clients=n)) for name in self.transports for n in (6, 2, 20)]


def test_the_section_and_its_chart_are_in_both_reports(tmp_path: Path) -> None:
    crowds = Crowds(transports=("websocket", "short_poll"), measured_s=1.5, warm_up_s=0.2, blocks=2)
    folder = fabricate.fabricate_run(tmp_path / "run", crowds)
    report_in_words(folder)
    markdown = (folder / "report.md").read_text(encoding="utf-8")
    sections = re.findall(r"^## (.*)$", markdown, re.MULTILINE)
    assert sections[:3] == ["Results", "Scale", "Charts"]
    assert "beyond 20, the largest measured" in markdown
    assert "charts/scale.svg" in markdown
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert '<h2 id="scale">Scale' in page
