"""Queues of server and load in plain loops over everything that happens: the oracle of `analysis.models.queue_model`.

It looks through a list for what comes next, follows the rules of docs/method/method.md literally and shares no code
with the analysis. Times are nanoseconds on one clock.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

PUBLISH, GIVE_UP, ASK = 0, 1, 2


@dataclass
class Polling:
    """One server that answers polls, and the clients of one load process that send them."""

    due_ns: Sequence[int]
    to_server_ns: int
    to_client_ns: int
    answer_ns: int
    waking_ns: int
    read_ns: int
    hold_ns: int | None
    """None where requests are answered at once."""
    until_ns: int
    order: Callable[[list[int]], list[int]]
    """In which order the held are answered, who are given in the order in which they came."""
    next_send_ns: Callable[[int, int], int]
    happens: list[tuple[int, int, int, int]] = field(default_factory=list)
    """When, what, of which client or event, which of its requests."""
    arrivals_ns: dict[tuple[int, int], int] = field(default_factory=dict)
    """By client and event, both from 0."""
    answers_ns: dict[int, list[int]] = field(default_factory=dict)
    """When each client's answers arrived; the last request may have none."""
    sent_ns: dict[int, list[int]] = field(default_factory=dict)

    def run(self, first_sends_ns: Sequence[int]) -> None:
        seen = [0] * len(first_sends_ns)
        held: list[tuple[int, int]] = []
        published, server_free_ns, load_free_ns = 0, -(10**18), -(10**18)
        self.happens = [(due, PUBLISH, place + 1, 0) for place, due in enumerate(self.due_ns)]
        for client, at_ns in enumerate(first_sends_ns):
            self._send(client, at_ns)
        while self.happens:
            now = min(self.happens)
            self.happens.remove(now)
            at_ns, what, which, request = now
            begins_ns = max(at_ns, server_free_ns)
            leaving: list[tuple[int, int]] = []
            if what == PUBLISH:
                published, server_free_ns = which, begins_ns
                by_client = dict(held)
                held = []
                for client in self.order(list(by_client)):
                    server_free_ns += self.waking_ns
                    leaving.append((client, server_free_ns))
            elif what == ASK and self.hold_ns is not None and seen[which] == published:
                server_free_ns = begins_ns + self.answer_ns - self.waking_ns
                held.append((which, request))
                self.happens.append((at_ns + self.hold_ns, GIVE_UP, which, request))
            elif what == ASK:
                server_free_ns = begins_ns + self.answer_ns
                leaving.append((which, server_free_ns))
            elif (which, request) in held:
                held.remove((which, request))
                server_free_ns = begins_ns + self.waking_ns
                leaving.append((which, server_free_ns))
            for client, left_ns in leaving:
                arrives_ns = left_ns + self.to_client_ns
                self.answers_ns.setdefault(client, []).append(arrives_ns)
                for place in range(seen[client], published):
                    self.arrivals_ns[client, place] = arrives_ns
                seen[client] = published
                load_free_ns = max(load_free_ns, arrives_ns) + self.read_ns
                again_ns = self.next_send_ns(client, load_free_ns)
                if again_ns < self.until_ns or published < len(self.due_ns):
                    self._send(client, again_ns)

    def _send(self, client: int, at_ns: int) -> None:
        own = self.sent_ns.setdefault(client, [])
        own.append(at_ns)
        self.happens.append((at_ns + self.to_server_ns, ASK, client, len(own)))


def in_turn(arrivals_ns: Sequence[int], work_ns: int) -> list[int]:
    """When a single server has done each of these jobs, which come in this order and take equally long."""
    done_ns: list[int] = []
    free_ns = -(10**18)
    for at_ns in arrivals_ns:
        free_ns = max(free_ns, at_ns) + work_ns
        done_ns.append(free_ns)
    return done_ns
