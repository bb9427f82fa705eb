"""Stock Locust users that poll with a cursor, again as soon as they are answered.

    locust -f benchmarks/peers/locust_users/polling_users.py --host http://127.0.0.1:8000 HttpPoller

They are written as Locust's documentation shows (`self.client`; no `wait_time`): nothing of this project is in them.
"""

from __future__ import annotations

from locust import FastHttpUser, HttpUser, task


def poll(user: HttpPoller | FastHttpPoller) -> None:
    """Ask for what is after the user's cursor; one name for all polls, whatever their cursor."""
    answer = user.client.get(f"/poll/short?after={user.cursor}", name="/poll/short")
    if answer.status_code == 200:
        user.cursor = answer.json()["next"]


class HttpPoller(HttpUser):
    """Polls through `requests`."""

    cursor = 0

    @task
    def poll(self) -> None:
        """One poll."""
        poll(self)


class FastHttpPoller(FastHttpUser):
    """Polls through geventhttpclient."""

    cursor = 0

    @task
    def poll(self) -> None:
        """One poll."""
        poll(self)
