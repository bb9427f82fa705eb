"""The report's paragraphs on the method of a run, computed from the run's own records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from analysis.formatting import count, figure, listed, percent
from analysis.summary.precision import not_known
from analysis.summary.results import Results
from contract.points import OF_THE_SERVER, parameter_title
from contract.records import TRIAL_FORMAT, JsonObject, RunInfo, finished_trial_folders, read_json
from contract.summary import Point, Precision, Summary
from terminal.wording import plural

_ARRIVALS = {
    "periodic": "at a fixed distance",
    "poisson": "as a Poisson process (independent, exponential distances)",
    "burst": "in bursts that arrive as a Poisson process",
}
_STAMPS = {
    "kernel": "the kernel's receive stamp on the socket (SO_TIMESTAMPNS), before any of the client's own code ran",
    "user": "the moment the client's read returned, as kernel receive stamps were not available",
}
_FRESHNESS = (
    "The view of a client is out of date while an event is due that it has not got; its age is then the time since the "
    "oldest such event was due, and 0 otherwise. Shares of time with an older view are over the measured window and "
    "all clients, computed exactly from every arrival; a lost event counts to the end of the window."
)


def trial_documents(run_folder: Path) -> list[JsonObject]:
    """Read trial.json of every finished trial, in the order in which they ran."""
    return [read_json(folder / "trial.json", TRIAL_FORMAT) for folder in finished_trial_folders(run_folder)]


def completeness(summary: Summary) -> str | None:
    """Return a sentence if the run was interrupted, or None."""
    planned, finished = summary.planned_trials, summary.finished_trials
    if finished >= planned:
        return None
    return (
        f"This run was interrupted: it finished {finished} of {plural(planned, 'trial')}, and only those are reported."
    )


def how_measured(run: RunInfo, results: Results, documents: Sequence[JsonObject]) -> list[str]:
    """Return one paragraph per aspect: stream, clients, network, trials, latency, bytes and CPU."""
    paragraphs = [_stream(results), *_servers(run), _network(results, run, documents), _trials(run, results)]
    freshness = [] if results.round_trip else [_FRESHNESS]
    return [
        *paragraphs,
        *_precision(run, results),
        _latency(results),
        *freshness,
        *_noise(results),
        _costs(results),
        _model(),
    ]


def validity_checks(results: Results) -> list[str]:
    """Return the worst value of each quantity that can invalidate a point, if the summary has it."""
    points = results.points
    if not points:
        return []
    sums = {
        "lost": sum(point.ledger.lost for point in points),
        "duplicate": sum(point.ledger.duplicate for point in points),
        "reordered": sum(point.ledger.reordered for point in points),
        "corrupt": sum(point.ledger.corrupt for point in points),
    }
    checks = ["Ledger: " + ", ".join(f"{count(total)} {kind}" for kind, total in sums.items()) + "."]
    for name, each in (
        ("server", [point.server_cpu_ratio for point in points]),
        ("load generator", [point.load_cpu_ratio for point in points]),
    ):
        ratios = [ratio for ratio in each if ratio is not None]
        checks.append(
            f"CPU of the {name}: at most {percent(max(ratios))} of one core in any trial."
            if ratios
            else f"CPU of the {name}: not measured."
        )
    relays = [(ratio, point.load_cpu_ratio or 0.0) for point in points if (ratio := point.relay_cpu_ratio) is not None]
    if relays:
        together = max(relay_ratio + load_ratio for relay_ratio, load_ratio in relays)
        checks.append(
            f"CPU of the relay that emulates the network: at most {percent(max(ratio for ratio, _ in relays))} "
            f"of one core in any trial. It runs beside the load generator, not the server: both together at most "
            f"{percent(together)}."
        )
    lags_ms = [lag.mean for point in points if (lag := point.parts_ms.server_lag) is not None]
    lag_ms = max((lag_ms for lag_ms in lags_ms if lag_ms is not None), default=None)
    checks.append(f"Publishing: events were published {figure(lag_ms)} ms late at most, on average of a point.")
    skipped = sum(point.requests.skipped for point in points)
    errors = sum(point.requests.errors for point in points)
    checks.append(f"Requests: {count(errors)} failed, {count(skipped)} scheduled polls skipped.")
    stamps = sum(point.deliveries for point in points)
    missing = sum(point.stamps.missing for point in points)
    coalesced = sum(point.stamps.coalesced for point in points)
    checks.append(
        f"Stamps: of {count(stamps)} measured deliveries, {count(missing)} without a kernel stamp, "
        f"{count(coalesced)} read together with a later segment."
    )
    return checks


def _stream(results: Results) -> str:
    base = results.base
    swept = [parameter_title(name) for name in results.summary.varied if name not in OF_THE_SERVER]
    also = f" Varied around this base point, one at a time: {listed(swept)}." if swept else ""
    if results.round_trip:
        return (
            f"Each of {plural(base.clients, 'client')} sent {plural(base.rate_per_s, 'message')} a second of "
            f"{plural(base.payload_bytes, 'byte')} on a schedule fixed before the run, and timed each until its "
            f"echo arrived.{also}"
        )
    return (
        f"One stream of {plural(base.rate_per_s, 'event')} a second, "
        f"{_ARRIVALS[base.arrival]}, each with {plural(base.payload_bytes, 'byte')} of "
        f"payload, was delivered to {plural(base.clients, 'client')}. Due times were fixed before the run and are "
        "the same for every transport of a block: a server or client that falls behind makes latency longer and never "
        f"hides it.{also}"
    )


def _servers(run: RunInfo) -> Iterator[str]:
    """Yield a sentence on the scenario's servers and their commands, if it names any."""
    tables = run.scenario.get("servers", {})
    if not tables:
        return
    kinds = {
        name: table.get("command") or table.get("url") or f"the {table.get('stack')} stack"
        for name, table in tables.items()
    }
    named = [f"{name} ({kind})" for name, kind in kinds.items()]
    yield (
        f"Each point was measured on each of these servers, in random order within each block: {listed(named)}. The "
        f"others are compared with {run.servers[0]}."
    )


def _network(results: Results, run: RunInfo, documents: Sequence[JsonObject]) -> str:
    delay_ms = results.base.one_way_delay_ms
    running = listed(run.running_servers)
    where = f"The server at {running} was already running." if running else "Server and clients ran on one machine."
    lateness = [d["relay"]["lateness_us"] for d in documents if d.get("relay") and d["relay"].get("lateness_us")]
    p50s = [late["p50"] for late in lateness if late["p50"] is not None]
    if not delay_ms:
        return f"{where} No network was emulated at the base point: latencies below 0.2 ms are the machine's own."
    accuracy = ""
    if p50s:
        p99s = [late["p99"] for late in lateness if late["p99"] is not None]
        accuracy = (
            f" By its own statistics it passed data on late by a median of at most {figure(max(p50s) / 1000)} ms and a "
            f"99th percentile of at most {figure(max(p99s) / 1000)} ms in any trial."
        )
    return f"{where} A relay between them delayed each direction by {delay_ms:g} ms.{accuracy}"


def _trials(run: RunInfo, results: Results) -> str:
    base, summary = results.base, results.summary
    pilot = [planned for planned in run.plan if planned.block < run.scenario["repeats"]]
    blocks = len({planned.block for planned in pilot})
    further = f", the {len(run.plan) - len(pilot)} beyond the pilot aside" if len(run.plan) > len(pilot) else ""
    fresh = "processes of the load" if run.target else "processes"
    if run.running_servers:
        server = "the server" if run.target else f"the server at {listed(run.running_servers)}"
        fresh += f"; {server} ran on from trial to trial"
    return (
        f"{plural(summary.finished_trials, 'trial')} of {count(summary.planned_trials)} planned, in "
        f"{plural(blocks, 'block')}{further}: each block measures every point once, in random order, with fresh "
        f"{fresh}. Events due in the first {_warm_up(results)} of a trial are warm-up and not measured; those due in "
        f"the {base.measured_s:g} s after it are, and the trial goes on until every client has every event or the "
        "drain limit has passed. The trial, not the message, is the unit: 95 % intervals come from the spread between "
        "trials, differences are paired within blocks."
    )


def _warm_up(results: Results) -> str:
    """Return the length of the warm-up, which is longer for clients that poll less often."""
    lengths_s = sorted({point.parameters.warm_up_s for point in results.points})
    least = f"{lengths_s[0] if lengths_s else results.base.warm_up_s:g} s"
    return least if len(lengths_s) < 2 else f"{least} (up to {lengths_s[-1]:g} s where clients poll seldom)"


def _precision(run: RunInfo, results: Results) -> Iterator[str]:
    """Yield a paragraph on the precision of the scenario: the procedure, the result, and why it was not reached."""
    precision = run.scenario.get("precision")
    if precision is None:
        return
    blocks, target = run.scenario["repeats"], f"{100 * precision:g} %"
    rule = (
        f"The median of each point was to be known to {target} of itself, or to 0.2 ms, below which nothing is claimed"
    )
    if not run.precision:
        yield f"{rule}; the run ended before the {blocks} blocks of the pilot were complete."
        return
    added = sum(found.trials_added for point in results.points if (found := point.precision))
    lacking = not_known(results.points)
    points = len(results.summary.points)
    known = sum(found.reached for point in results.points if (found := point.precision))
    yield (
        f"{rule}. The first {blocks} blocks were the pilot: the number of trials that each point needs follows from "
        "its spread alone, and every interval of a point with added trials takes its spread from the pilot alone, all "
        "statistics and differences alike (Stein 1945), so that stopping early makes none of them too narrow. "
        f"Trials added: {count(added)}; {known} of {plural(points, 'point')} are known so."
        + _not_known(run, results, lacking)
    )


def _not_known(run: RunInfo, results: Results, lacking: Sequence[tuple[Point, Precision]]) -> str:
    if not lacking:
        return ""
    summary = results.summary
    why = (
        "the run was interrupted"
        if summary.finished_trials < summary.planned_trials
        else f"the budget of {run.scenario['budget_s']:g} s had no room for more"
    )
    named = [
        f"{results.name(point)} ({point.trials} of {plural(precision.trials_needed, 'trial')})"
        for point, precision in lacking
    ]
    return f" Not known so are {listed(named)}, as {why}."


def _latency(results: Results) -> str:
    stamps = sorted({point.latency_stamp for point in results.points})
    taken = listed([_STAMPS[stamp] for stamp in stamps])
    return (
        f"Latency is staleness: received − due. Received is {taken}.{_conversion(results)} "
        "A long poll's hold is not latency and enters no figure. "
        f"Quantiles are those of the pooled deliveries of a point's trials, never averages of quantiles "
        f"({results.summary.quantile_definition})."
    )


def _conversion(results: Results) -> str:
    """Return a sentence on the accuracy of converting the kernel's stamps; empty if it is not known."""
    errors_us = [value for p in results.points if (value := p.stamps.conversion_error_us) is not None]
    drifts_ppm = [value for p in results.points if (value := p.stamps.drift_ppm) is not None]
    if not errors_us:
        return ""
    drift = f"; the two clocks drifted apart by at most {figure(max(map(abs, drifts_ppm)))} ppm" if drifts_ppm else ""
    exact_to = f"{figure(max(errors_us))} µs{drift}"
    return f" Moving the stamps from the kernel's clock to that of due times is exact to {exact_to}."


def _noise(results: Results) -> Iterator[str]:
    measured_in = results.summary.noise_floor_from
    if measured_in:
        yield (
            f"Differences to the reference are judged by the noise floor of {measured_in}, when this run began the "
            "newest run on this machine that measured each transport against itself: a difference smaller than that is "
            "said to be. It is taken for this run's number of blocks, and only of points with the parameters at which "
            "it was measured; other points have no noise floor."
        )


def _costs(results: Results) -> str:
    ip = any(point.bytes_split_per_event.tcp_ip is not None for point in results.points)
    return (
        "Requests are counted where they are sent; bytes are those of the socket in both directions, per delivered "
        "event, with connection set-up apart. "
        + (
            "TCP/IP overhead follows from the kernel's own segment counts. "
            if ip
            else "TCP/IP overhead was not measured. "
        )
        + "CPU is user and system time in the measured window per delivered event; the publisher's idle spinning is "
        "not in it."
    )


def _model() -> str:
    return (
        "The model beside each figure is evaluated on the trials' own due times, phases and holds; nothing in it is "
        "fitted, and it knows of the network alone. The model with queues adds that the server and the load each do "
        "one thing at a time: how long one takes them is their CPU time divided by what they did in it, so no latency "
        "enters; passing a message on to another process takes 0.1 ms. A latency is thus the network's part, what "
        "queueing by our own server and load adds to it, and what neither model explains."
    )
