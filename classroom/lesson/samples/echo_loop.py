"""The echo that goes on."""

# By itself: uvicorn classroom.lesson.samples.echo_loop:app

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()


@app.websocket("/ws")
async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    try:
        while True:
            message = await websocket.receive_text()
            await websocket.send_text(f"Received: {message}")
            if message == "Bye":
                await websocket.close()
                return
    except WebSocketDisconnect:
        return  # the browser closed the connection
