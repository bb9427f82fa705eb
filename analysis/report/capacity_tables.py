"""The report's section on the capacity of one server core: tables, and a sentence on each tested prediction."""

from __future__ import annotations

from analysis.formatting import NOT_MEASURED, figure, interval, listed, percent
from analysis.report.tables import Cell, Table
from analysis.summary.capacity import BUSY_FROM_RATIO, SATURATED_FROM_RATIO
from analysis.summary.crossover import HELD_WITHIN_MS
from analysis.summary.results import Results
from analysis.verdict.run_verdict import done_in_words, estimate_in_words
from contract.parameters import Parameters
from contract.points import parameter_value
from contract.summary import Capacity, Crossover, Estimate, Side, Tried
from terminal.wording import plural

NOTE = (
    f"Service times are fitted to points that keep the server {100 * BUSY_FROM_RATIO:.0f} to "
    f"{100 * SATURATED_FROM_RATIO:.0f} % of a core busy. A saturated server needs the given share of them (less if it "
    "does more work in each turn of its loop, more if each poll then brings more events), and capacity follows from "
    f"that. A point holds its clients if the server used at most {100 * SATURATED_FROM_RATIO:.0f} % of a core and an "
    f"event reached 99 % of them at most {HELD_WITHIN_MS:g} ms later than by the model, on average. The points that "
    "test a prediction were not used for the service times. docs/method/capacity.md has the formulas."
)


def capacity_tables(results: Results) -> list[Table]:
    """Return the tables; none if the run has no service times."""
    capacity = results.summary.capacity
    if capacity is None:
        return []
    tables = [_services(results, capacity), _saturations(results, capacity), _crossovers(results, capacity)]
    return [table for table in tables if table.rows]


def capacity_findings(results: Results) -> list[str]:
    """Return a sentence for each comparison: the prediction, the results, and whether they agree."""
    capacity = results.summary.capacity
    if capacity is None:
        return []
    return [_finding(results, crossover, tried) for crossover in capacity.crossovers for tried in crossover.tried]


def _services(results: Results, capacity: Capacity) -> Table:
    rows = [
        (
            Cell(results.label(found.transport)),
            _estimate(found.poll_cpu_us),
            _estimate(found.event_cpu_us),
            _share(found.economy_ratio),
            Cell(
                f"{estimate_in_words(found.per_s, bounds=False)} {done_in_words(found)}",
                interval(found.per_s.ci95),
            ),
            _estimate(found.clients),
        )
        for found in capacity.transports
    ]
    at = ", ".join(
        parameter_value(name, results.base[name]) for name in ("rate_per_s", "poll_interval_s") if name in results.base
    )
    columns = (
        "Transport",
        "CPU µs per poll",
        "CPU µs per event",
        "share of it when saturated",
        "per second at saturation",
        f"clients held ({at})",
    )
    return Table("What one server core does", columns, tuple(rows))


def _saturations(results: Results, capacity: Capacity) -> Table:
    rows = []
    for found in capacity.transports:
        for point in found.saturated:
            rows.append(
                (
                    Cell(results.label(found.transport), _where(point.parameters)),
                    Cell(figure(point.asked_per_s)),
                    Cell(figure(point.reached_per_s), "polls" if point.events_per_poll else "events"),
                    Cell(figure(point.events_per_poll)),
                    Cell(figure(point.predicted_per_s)),
                    Cell(percent(point.server_cpu_ratio)),
                )
            )
    columns = ("Point", "asked per s", "reached per s", "events per poll", "1 / service time per s", "server CPU")
    return Table("Where throughput stops", columns, tuple(rows))


def _crossovers(results: Results, capacity: Capacity) -> Table:
    rows = []
    for crossover in capacity.crossovers:
        push, poll = results.label(crossover.push), results.label(crossover.poll)
        for tried in crossover.tried:
            rows.append(
                (
                    Cell(f"{push}, {poll}, λI = {figure(tried.events_per_poll)}", tried.outcome.upper()),
                    Cell({"push": push, "poll": poll}.get(tried.predicted, tried.predicted)),
                    *_side_cells(tried.push),
                    *_side_cells(tried.poll),
                )
            )
    columns = (
        "Comparison",
        "predicted",
        *(
            f"{side}: {name}"
            for side in ("push", "poll")
            for name in ("predicted share of capacity", "server CPU", "CPU µs per client and s")
        ),
    )
    return Table("Predictions tested at other event rates", columns, tuple(rows))


def _side_cells(side: Side) -> tuple[Cell, ...]:
    return (
        _share(side.predicted_load_ratio),
        Cell(percent(side.server_cpu_ratio), "holds" if side.holds else "full"),
        _estimate(side.cpu_us_per_client_s),
    )


def _finding(results: Results, crossover: Crossover, tried: Tried) -> str:
    labels = {"push": results.label(crossover.push), "poll": results.label(crossover.poll)}
    sides = {"push": tried.push, "poll": tried.poll}
    at = crossover.events_per_poll
    where = (
        f"At λI = {figure(tried.events_per_poll)} ({plural(tried.clients, 'client')}, "
        f"{parameter_value('rate_per_s', tried.rate_per_s)}, polls "
        f"{parameter_value('poll_interval_s', tried.poll_interval_s)})"
    )
    crossing = "none" if at.value is None else f"at λI = {estimate_in_words(at)}"
    if tried.predicted == "undecided":
        return f"{where} nothing is predicted: the crossover ({crossing}) is not known well enough. Undecided."
    predicted = "; ".join(
        f"{labels[name]} at {percent(side.predicted_load_ratio.value)} of capacity" for name, side in sides.items()
    )
    measured = "; ".join(
        f"{labels[name]} {'holds them' if side.holds else 'does not hold them'} at "
        f"{percent(side.server_cpu_ratio)} of a core, "
        f"{figure(side.cpu_us_per_client_s.value)} µs per client and second"
        for name, side in sides.items()
    )
    return (
        f"{where}, predicted: {labels[tried.predicted]} holds more clients and costs less (crossover: {crossing}): "
        f"{predicted}. Measured: {measured}. {tried.outcome.capitalize()}{_failed(tried)}."
    )


def _failed(tried: Tried) -> str:
    """Return the claims of a refuted prediction that were wrong, as the end of a sentence."""
    names = {
        "cheaper": "it did not cost less",
        "holds": "it did not hold its clients",
        "other_does_not_hold": "the other held its clients too",
    }
    wrong = [names[claim] for claim, met in tried.claims.items() if not met]
    return f": {listed(wrong)}" if wrong else ""


def _where(parameters: Parameters) -> str:
    return ", ".join(parameter_value(n, parameters[n]) for n in ("clients", "poll_interval_s") if n in parameters)


def _estimate(estimate: Estimate | None) -> Cell:
    return Cell(NOT_MEASURED) if estimate is None else Cell(figure(estimate.value), interval(estimate.ci95))


def _share(estimate: Estimate | None) -> Cell:
    if estimate is None or estimate.value is None:
        return Cell(NOT_MEASURED)
    bounds = estimate.ci95
    return Cell(percent(estimate.value), "" if bounds is None else f"[{', '.join(map(percent, bounds))}]")
