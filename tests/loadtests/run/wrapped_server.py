"""A program whose server is its child, as of many frameworks, and which has another child that ignores SIGTERM."""

from __future__ import annotations

import subprocess
import sys

STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf", flush=True)
time.sleep(600)
"""

if __name__ == "__main__":
    subprocess.Popen([sys.executable, "-c", STUBBORN], start_new_session=True)
    sys.exit(subprocess.call([sys.executable, "-m", "servers", *sys.argv[1:]]))
