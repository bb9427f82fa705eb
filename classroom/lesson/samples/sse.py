"""Server-sent events: one request, and an answer that does not end."""

# By itself: uvicorn classroom.lesson.samples.sse:app

from collections.abc import AsyncIterator

from fastapi import FastAPI
from fastapi.sse import EventSourceResponse

from classroom.lesson.samples.news import CurrentNews, Item, lifespan

app = FastAPI(lifespan=lifespan)


@app.get("/news", response_class=EventSourceResponse)
async def sse(news: CurrentNews, after: int = 0) -> AsyncIterator[Item]:
    while True:
        for item in await news.wait_after(after):
            yield item
            after = item.number
