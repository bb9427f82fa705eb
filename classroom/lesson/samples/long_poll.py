"""A long poll: the answer waits until there is something to say."""

# By itself: uvicorn classroom.lesson.samples.long_poll:app

import asyncio

from fastapi import FastAPI

from classroom.lesson.samples.news import CurrentNews, Item, lifespan

app = FastAPI(lifespan=lifespan)


@app.get("/news")
async def long_poll(news: CurrentNews, after: int = 0) -> list[Item]:
    try:
        return await asyncio.wait_for(news.wait_after(after), timeout=30)
    except TimeoutError:
        return []  # nothing has happened: the browser asks again
