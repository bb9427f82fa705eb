"""The model of each kind of transport, by the kind's name in `contract.transports.KINDS`."""

from __future__ import annotations

from analysis.models import long_poll, push, round_trip, short_poll
from analysis.models.model import Model

MODELS: dict[str, Model] = {
    "push": push.MODEL,
    "short_poll": short_poll.MODEL,
    "long_poll": long_poll.MODEL,
    "round_trip": round_trip.MODEL,
    "round_trip_new_connection": round_trip.NEW_CONNECTION_MODEL,
}
