"""The files of a run: the one contract between the load side and the analysis.

A run folder holds run.json and, per trial, `trials/NNN-<transport>/` with trial.json and one `.npz` file per table
below. Every JSON file carries `format` and `version`; a reader upgrades older versions and refuses newer ones. Times
are CLOCK_MONOTONIC nanoseconds of the machine the load ran on, unless a column says otherwise; 0 in a time column
(NO_TIME_NS) means "not observed".

History
   1: first version. Later runs may have trials/*/written.npz, the server's trace; a trial without it is complete too.
      Runs of a scenario with a precision have trials beyond the scenario's repeats, and `precision` in run.json.
   2 (of a trial): `workers` in trial.json, and the worker's index in clock, loop_lag and samples, for a load of
      several processes. A trial of version 1 had one process: no workers, and zeros in those columns.
"""

from __future__ import annotations

from contract.records.disturbance import (
    EXPLAINED_RATIO,
    OTHERS_RATIO,
    STOLEN_RATIO,
    core_taken,
    disturbances,
    load_stopped,
    others_ratio,
    published_without_cause,
    server_stopped,
    unexplained_lateness,
)
from contract.records.documents import (
    NOISE_FILE,
    NOISE_FORMAT,
    RUN_FORMAT,
    SCENARIO_FILE,
    SUMMARY_FILE,
    SUMMARY_FORMAT,
    TRIAL_FORMAT,
    JsonObject,
    as_document,
    read_json,
    version_of,
    write_json,
    write_text,
)
from contract.records.lateness import Lateness, mean_limit_ms, scheduled_latency_ms
from contract.records.run_folder import (
    SET_ASIDE_FOLDER,
    PlannedTrial,
    PointPrecision,
    RunInfo,
    Trial,
    TrialInfo,
    finished_trial_folders,
    load_run_info,
    set_aside_folders,
    write_run_info,
)
from contract.records.tables import (
    Clients,
    ClockPairs,
    Deliveries,
    Ints,
    LoopLag,
    Outcome,
    Published,
    RequestKind,
    Requests,
    SampleRole,
    Samples,
    Sockets,
    SocketStage,
    Table,
    Written,
    is_time,
)
from contract.records.turnaround import turnaround_delay_ns, turnaround_delays_ns
from contract.records.work import Work, load_work, server_work
from contract.records.workers import COMPLETE, WORKER_ENDS, WorkerInfo, worker_of_clients
from contract.times import NO_TIME_NS

__all__ = [
    "COMPLETE",
    "EXPLAINED_RATIO",
    "NOISE_FILE",
    "NOISE_FORMAT",
    "NO_TIME_NS",
    "OTHERS_RATIO",
    "RUN_FORMAT",
    "SCENARIO_FILE",
    "SET_ASIDE_FOLDER",
    "STOLEN_RATIO",
    "SUMMARY_FILE",
    "SUMMARY_FORMAT",
    "TRIAL_FORMAT",
    "WORKER_ENDS",
    "Clients",
    "ClockPairs",
    "Deliveries",
    "Ints",
    "JsonObject",
    "Lateness",
    "LoopLag",
    "Outcome",
    "PlannedTrial",
    "PointPrecision",
    "Published",
    "RequestKind",
    "Requests",
    "RunInfo",
    "SampleRole",
    "Samples",
    "SocketStage",
    "Sockets",
    "Table",
    "Trial",
    "TrialInfo",
    "Work",
    "WorkerInfo",
    "Written",
    "as_document",
    "core_taken",
    "disturbances",
    "finished_trial_folders",
    "is_time",
    "load_run_info",
    "load_stopped",
    "load_work",
    "mean_limit_ms",
    "others_ratio",
    "published_without_cause",
    "read_json",
    "scheduled_latency_ms",
    "server_stopped",
    "server_work",
    "set_aside_folders",
    "turnaround_delay_ns",
    "turnaround_delays_ns",
    "unexplained_lateness",
    "version_of",
    "worker_of_clients",
    "write_json",
    "write_run_info",
    "write_text",
]
