"""The page's files, at URLs that change with their content, so that a browser fetches each file once."""

from __future__ import annotations

import hashlib
import mimetypes
import re
from pathlib import Path

from fastapi import HTTPException, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

STATIC_FOLDER = Path(__file__).parent / "static"

_KEPT = {"cache-control": "public, max-age=31536000, immutable"}
_VERSION_CHARACTERS = 12
_VERSIONED = re.compile(rf"(?:(?P<version>[0-9a-f]{{{_VERSION_CHARACTERS}}})/)?(?P<name>.*)")

# Browsers run modules only with this type, and the tables of some systems have another.
mimetypes.add_type("text/javascript", ".js")
mimetypes.add_type("text/javascript", ".mjs")


class StaticFiles:
    """The files of a folder at the opening of the classroom, served at `/static/<version>/<name>`.

    The version is a digest of all files. Scripts and style sheets refer to each other by relative URLs, and so have the
    same version.
    """

    def __init__(self, folder: Path) -> None:
        files = (path for path in sorted(folder.rglob("*")) if path.is_file())
        self._contents = {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
        digest = hashlib.sha256()
        for name, content in self._contents.items():
            digest.update(b"%b %d " % (name.encode(), len(content)) + content)
        self._version = digest.hexdigest()[:_VERSION_CHARACTERS]

    def page(self, name: str) -> HTMLResponse:
        """Return a page in which the URLs of all files contain their version."""
        versioned = self._contents[name].replace(b'"/static/', b'"/static/%b/' % self._version.encode())
        return HTMLResponse(versioned)

    def file(self, path: str) -> Response:
        """Return the file at a path below /static/, or a redirect to its URL with the current version."""
        match = _VERSIONED.fullmatch(path)
        if match is None or (content := self._contents.get(match["name"])) is None:
            raise HTTPException(404)
        if match["version"] != self._version:
            return RedirectResponse(f"/static/{self._version}/{match['name']}")
        return Response(content, media_type=mimetypes.guess_type(match["name"])[0], headers=_KEPT)


def files_of(request: Request) -> StaticFiles:
    """Return the files of the classroom that serves this request."""
    files: StaticFiles = request.app.state.files
    return files


async def serve_file(request: Request) -> Response:
    """Serve one file."""
    return files_of(request).file(request.path_params["path"])
