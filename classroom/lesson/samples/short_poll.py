"""A short poll: the answer comes at once, with what is new or with nothing."""

# By itself: uvicorn classroom.lesson.samples.short_poll:app

from fastapi import FastAPI

from classroom.lesson.samples.news import CurrentNews, Item, lifespan

app = FastAPI(lifespan=lifespan)


@app.get("/news")
async def short_poll(news: CurrentNews, after: int = 0) -> list[Item]:
    return news.after(after)
