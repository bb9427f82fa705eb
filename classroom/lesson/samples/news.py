"""What the programs of the lanes deliver: one more item of news each second."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

PERIOD_S = 1.0
MAX_KEPT = 100
"""The number of the latest items that can still be read."""


@dataclass(frozen=True)
class Item:
    """One item of news; they are numbered from 1."""

    number: int
    text: str


class News:
    """The latest items, and a way to wait for the next."""

    def __init__(self) -> None:
        self._items: deque[Item] = deque(maxlen=MAX_KEPT)
        self._published = asyncio.Condition()
        self.waiting = 0
        """The number of readers that wait for the next item."""

    def after(self, number: int) -> list[Item]:
        """Return the items after this number."""
        return [item for item in self._items if item.number > number]

    async def wait_after(self, number: int) -> list[Item]:
        """Wait until there are items after this number, and return them."""
        self.waiting += 1
        try:
            async with self._published:
                await self._published.wait_for(lambda: self.after(number))
        finally:
            self.waiting -= 1
        return self.after(number)

    async def publish(self) -> None:
        """Add an item, and wake all who wait."""
        async with self._published:
            number = self._items[-1].number + 1 if self._items else 1
            self._items.append(Item(number, f"News {number}"))
            self._published.notify_all()

    @asynccontextmanager
    async def publishing(self) -> AsyncIterator[None]:
        """Publish an item each second while the context is open."""

        async def publish_each_second() -> None:
            while True:
                await asyncio.sleep(PERIOD_S)
                await self.publish()

        publisher = asyncio.create_task(publish_each_second())
        try:
            yield
        finally:
            publisher.cancel()


@asynccontextmanager
async def lifespan(_app: object) -> AsyncIterator[dict[str, News]]:
    """Publish news while a program runs by itself."""
    news = News()
    async with news.publishing():
        yield {"news": news}


def _news_of(connection: HTTPConnection) -> News:
    news: News = connection.state.news
    return news


CurrentNews = Annotated[News, Depends(_news_of)]
