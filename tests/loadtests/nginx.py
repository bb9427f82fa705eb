"""A real nginx before a server, as people put one there."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from system.addresses import first_accepting, reserved_port
from tests.running import PATIENCE_S

_CONFIGURATION = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass {url};
      {directives}
    }}
  }}
}}
"""


@contextmanager
def nginx_before(url: str, folder: Path, *directives: str) -> Iterator[str]:
    """The URL of an nginx that passes on to `url`, by its defaults and the given directives of that location."""
    program = shutil.which("nginx")
    if program is None:
        pytest.skip("nginx is not installed (apt-get install nginx-light)")
    configuration = folder / "nginx.conf"
    lines = "\n      ".join(f"{directive};" for directive in directives)
    with reserved_port() as port:
        configuration.write_text(_CONFIGURATION.format(folder=folder, port=port, url=url, directives=lines))
        with subprocess.Popen([program, "-c", str(configuration), "-e", str(folder / "error.log")]) as process:
            try:
                yield first_accepting("127.0.0.1", port, "nginx", PATIENCE_S).url
            finally:
                process.terminate()
