"""Stock Locust users that poll with a cursor, and poll again as soon as they have an answer.

    locust -f benchmarks/peers/locust_users/polling_users.py --host http://127.0.0.1:8000 HttpPoller

They are written as Locust's documentation shows (`self.client`, no `wait_time`), without any code of this project.
"""

from __future__ import annotations

from locust import FastHttpUser, HttpUser, task


def poll(user: HttpPoller | FastHttpPoller) -> None:
    """Request the events after the user's cursor; all polls have one name in the statistics, whatever their cursor."""
    answer = user.client.get(f"/poll/short?after={user.cursor}", name="/poll/short")
    if answer.status_code == 200:
        user.cursor = answer.json()["next"]


class HttpPoller(HttpUser):
    """A user that polls through `requests`."""

    cursor = 0

    @task
    def poll(self) -> None:
        """Poll once."""
        poll(self)


class FastHttpPoller(FastHttpUser):
    """A user that polls through geventhttpclient."""

    cursor = 0

    @task
    def poll(self) -> None:
        """Poll once."""
        poll(self)
