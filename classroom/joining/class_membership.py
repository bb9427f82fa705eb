"""The devices of the class: admits them, assigns transports, collects their reports, and informs the teacher."""

from __future__ import annotations

import time
from typing import Any

import segno

from classroom.joining.admission import Assign, JoinCodeCheck, next_transports
from classroom.joining.class_results import ClassResults, Participant, parse_report
from classroom.joining.lan_address import own_hosts
from classroom.joining.report_evidence import RunEvidence
from classroom.lanes.clients import ClassroomFullError, Client
from classroom.lanes.definitions import TRANSPORTS
from classroom.limits import REPORTS_PER_S, RateLimit
from classroom.refusals import RefusedError
from classroom.state import ClassroomState


def qr_svg(text: str) -> str:
    """Return a QR code with its quiet zone, black on white in every theme, as large as its frame."""
    code = segno.make(text, error="m", micro=False)
    return code.svg_inline(border=4, dark="#000", light="#fff", omitsize=True)


class ClassMembership:
    """The devices that joined, their transports, and the distributions that they reported."""

    def __init__(self, state: ClassroomState) -> None:
        self._state = state
        self._code = JoinCodeCheck(state.access.join_code)
        self._assign: Assign = "turns"
        self._names: dict[int, int] = {}
        self._named = 0
        self._rates: dict[int, RateLimit] = {}
        self._results = ClassResults(TRANSPORTS)
        self._evidence = RunEvidence(state.log, state.accounts)
        state.inbound["report"] = self.take_report
        state.teacher_news.append(self.news)

    def join(self, code: str, address: str, known: int | None) -> Client:
        """Admit a device, with the number that an earlier classroom gave it if it has one; raise RefusedError."""
        self._code.check(code, address, time.monotonic_ns())
        self._forget_who_left()
        given = next_transports(self._assign, TRANSPORTS, (device.transports for device in self._devices()))
        try:
            device = self._state.clients.admit(given, known=known)
        except ClassroomFullError as full:
            raise RefusedError(503, f"Sorry: {full}.") from None
        self._named += 1
        self._names[device.number] = self._named
        return device

    def name_of(self, device: Client) -> int:
        """Return the number by which people call a device, counted from 1."""
        return self._names[device.number]

    def has(self, number: int) -> bool:
        """Return whether a device with this number has joined, and is not forgotten."""
        return number in self._names

    def devices_here(self) -> frozenset[int]:
        """Return the numbers of the devices whose page is open."""
        return frozenset(device.number for device in self._devices() if device.sockets)

    def reassign(self, assign: Assign) -> None:
        """Assign the transports again, in the order of joining; each page is sent its own."""
        self._assign = assign
        given: list[tuple[str, ...]] = []
        now_ns = time.monotonic_ns()
        for device in self._devices():
            device.transports = next_transports(assign, TRANSPORTS, given)
            device.entered_ns = now_ns  # on a new lane it receives earlier events late
            given.append(device.transports)

    def invitation(self) -> dict[str, object]:
        """Return how to join, for the teacher's page."""
        addresses = self._state.addresses
        origins = [addresses.origin(host) for host in own_hosts(addresses.host)]
        link = f"{origins[0]}/join?code={self._state.access.join_code}"
        return {
            "address": f"{origins[0]}/join",
            "other_addresses": [f"{origin}/join" for origin in origins[1:]],
            "code": self._state.access.join_code,
            "link": link,
            "qr_svg": qr_svg(link),
            "assign": self._assign,
        }

    def take_report(self, client: Client, message: dict[str, Any]) -> None:
        """Record one device's deliveries since its last report; raise ValueError if it is invalid or one too many."""
        now_ns = time.monotonic_ns()
        if client.number not in self._names:
            raise ValueError("only devices that joined the class report")
        rate = self._rates.setdefault(client.number, RateLimit(REPORTS_PER_S, now_ns))
        if not rate.allows(now_ns):
            raise ValueError(f"a device may report {REPORTS_PER_S:.0f} times a second")
        report = parse_report(message)
        self._follow_run()
        self._results.take(self._participant(client), report, self._evidence, now_ns)

    def news(self) -> dict[str, Any]:
        """Return the state of the class for the teacher's page."""
        self._follow_run()
        self._forget_who_left()
        here = [self._participant(device) for device in self._devices() if device.sockets]
        return {"type": "class", "assign": self._assign} | self._results.summary(here, self._evidence)

    def _devices(self) -> list[Client]:
        return [client for client in self._state.clients if client.number in self._names]

    def _participant(self, device: Client) -> Participant:
        return Participant(device.number, self._names[device.number], device.transports, device.entered_ns)

    def _follow_run(self) -> None:
        run = self._state.runs.current
        if run is not None and run.id != self._results.run:
            self._results.begin(run.id, run.least_delay_ms)
            self._evidence = RunEvidence(self._state.log, self._state.accounts)
        elif run is not None:
            self._results.one_way_delay_ms = run.least_delay_ms  # its network may have been made faster

    def _forget_who_left(self) -> None:
        self._state.clients.forget_who_left(time.monotonic_ns())
        for number in [number for number in self._names if self._state.clients.get(number) is None]:
            del self._names[number]
            self._rates.pop(number, None)
            self._results.forget(number)
            self._evidence.forget(number)
