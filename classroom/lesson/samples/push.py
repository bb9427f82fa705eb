"""A server that speaks first."""

# By itself: uvicorn classroom.lesson.samples.push:app

import asyncio

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()


@app.websocket("/ws")
async def push(websocket: WebSocket) -> None:
    await websocket.accept()
    number = 0
    try:
        while True:
            await asyncio.sleep(1)
            number += 1
            await websocket.send_text(f"News {number}")
    except WebSocketDisconnect:
        return  # the browser closed the connection
