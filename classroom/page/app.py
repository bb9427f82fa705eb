"""The page's app: the files of the page, and the routes of every part of the classroom."""

from __future__ import annotations

from fastapi import FastAPI, Request
from starlette.responses import HTMLResponse, JSONResponse
from starlette.types import ASGIApp

from classroom.joining import routes, vote_routes
from classroom.joining.class_membership import ClassMembership
from classroom.joining.class_vote import ClassVote
from classroom.lesson import feed
from classroom.page import live, predictions, preflight, run_record, run_routes, transport_assets
from classroom.page.guard import PageGuard
from classroom.refusals import RefusedError
from classroom.state import ClassroomState
from classroom.static_files import STATIC_FOLDER, StaticFiles, files_of, serve_file
from servers.api.app import TELEMETRY_OFF, answer_errors

ROUTERS = (
    routes.router,
    vote_routes.router,
    vote_routes.teachers_router,
    live.router,
    run_routes.router,
    run_record.router,
    predictions.router,
    preflight.router,
    transport_assets.router,
)
"""Routers that find the classroom by the request's app, in no particular order."""


def create_app(state: ClassroomState) -> ASGIApp:
    """Return the app of the page's port."""
    app = FastAPI(
        title="push-vs-poll classroom", openapi_url=None, docs_url=None, redoc_url=None, telemetry=TELEMETRY_OFF
    )
    app.state.classroom = state
    app.state.files = StaticFiles(STATIC_FOLDER)
    membership = ClassMembership(state) if state.mode == "class" else None
    app.state.membership = membership
    app.state.class_vote = None if membership is None else ClassVote(state, membership)
    answer_errors(app)
    app.add_exception_handler(RefusedError, _refused)
    for router in (*ROUTERS, feed.lesson_router(state.lesson, state.addresses.lesson_port)):
        app.include_router(router)
    app.add_api_route("/", _page, include_in_schema=False, response_class=HTMLResponse)
    app.add_route("/static/{path:path}", serve_file, methods=["GET"], include_in_schema=False)
    return PageGuard(app, state.addresses)


async def _page(request: Request) -> HTMLResponse:
    return files_of(request).page("index.html")


async def _refused(_request: Request, refusal: Exception) -> JSONResponse:
    assert isinstance(refusal, RefusedError)
    return refusal.response()
