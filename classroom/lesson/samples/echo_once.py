"""The echo as it is usually taught."""

# By itself: uvicorn classroom.lesson.samples.echo_once:app

from fastapi import FastAPI, WebSocket

app = FastAPI()


@app.websocket("/ws")
async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    message = await websocket.receive_text()
    await websocket.send_text(f"Received: {message}")
