"""A stock Locust `HttpUser` that polls, ten times a second with a cursor.

    locust -f peers/locust_users/http_user.py --host http://127.0.0.1:8000

It is written as Locust's documentation shows (`constant_throughput`, `self.client`): nothing of this project is in it.
Its users begin at random moments: Locust spawns them together, and they would poll in step for ever after.
"""

from __future__ import annotations

import random

import gevent
from locust import HttpUser, constant_throughput, task


class Poller(HttpUser):
    """Asks for what is after its cursor."""

    wait_time = constant_throughput(10)
    cursor = 0

    def on_start(self) -> None:
        """Fall out of step."""
        gevent.sleep(random.uniform(0, 0.1))

    @task
    def poll(self) -> None:
        """One poll; one name for all of them, whatever their cursor."""
        answer = self.client.get(f"/poll/short?after={self.cursor}", name="/poll/short")
        if answer.status_code == 200:
            self.cursor = answer.json()["next"]
