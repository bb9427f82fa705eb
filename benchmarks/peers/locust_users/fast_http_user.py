"""A stock Locust `FastHttpUser` that polls with a cursor, again as soon as it is answered.

    locust -f benchmarks/peers/locust_users/fast_http_user.py --host http://127.0.0.1:8000

It is written as Locust's documentation shows (`self.client`; no `wait_time`): nothing of this project is in it.
"""

from __future__ import annotations

from locust import FastHttpUser, task


class Poller(FastHttpUser):
    """Asks for what is after its cursor."""

    cursor = 0

    @task
    def poll(self) -> None:
        """One poll; one name for all of them, whatever their cursor."""
        answer = self.client.get(f"/poll/short?after={self.cursor}", name="/poll/short")
        if answer.status_code == 200:
            self.cursor = answer.json()["next"]
