"""`python -m benchmarks.classroom_frames`: how long the classroom's page takes to draw its lanes.

A classroom and a browser are opened, and a run is made at each rate of events. A frame's time is that of the page's
main thread from the beginning of the frame until it is painted, in the frames in which the lanes were drawn: at the
browser's full speed, and slowed down by the factor of `--slowdown` (by the browser itself, as its developer tools do).
Beside it stands the processor time that this thread needs per frame for all that the page does, which does not depend
on what else runs on the machine.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from playwright.sync_api import CDPSession, Page, ViewportSize, sync_playwright

from contract.quantiles import quantiles
from tests.browser import launch_chromium
from tests.classroom.conftest import running_classroom
from tests.classroom.page_driving import open_page

RATES_PER_S = (1.0, 20.0, 100.0)
SLOWDOWN = 4.0
SECONDS = 5.0
FILLED_S = 11.0
"""The picture shows ten seconds, a third of a second and one transit ago."""
SCREEN = ViewportSize(width=1920, height=1080)

NOTE_FRAMES = """(() => {
  const frames = [];
  let began_ms = null;
  let isDrawn = false;
  const { port1: painted, port2: after } = new MessageChannel();
  after.onmessage = () => {
    if (isDrawn) frames.push(performance.now() - began_ms);
    began_ms = null;
    isDrawn = false;
  };
  const { fillRect } = CanvasRenderingContext2D.prototype;
  CanvasRenderingContext2D.prototype.fillRect = function (...box) {
    isDrawn ||= this.canvas.closest?.("#lanes") != null;
    fillRect.apply(this, box);
  };
  const { requestAnimationFrame } = window;
  window.requestAnimationFrame = (act) => requestAnimationFrame((at_ms) => {
    if (began_ms === null) {
      began_ms = performance.now();
      painted.postMessage(null);
    }
    act(at_ms);
  });
  window.takeFrames = () => frames.splice(0);
})()"""
"""A script for before the page's own. The lanes' ground is drawn with `fillRect`; a message that is posted in a frame
arrives after it has been painted."""


@dataclass(frozen=True)
class Frames:
    """The frames of one rate and speed."""

    rate_per_s: float
    slowdown: float
    times_ms: list[float]
    seconds: float
    processor_s: float
    """Processor time of the page's main thread in these seconds."""

    def line(self) -> str:
        """Return the row of the table in docs/internals/page.md."""
        median, p95 = (f"{ms:.1f}" for ms in quantiles(self.times_ms, [0.5, 0.95]))
        processor_ms = 1000 * self.processor_s / len(self.times_ms)
        speed = "full" if self.slowdown == 1 else f"1/{self.slowdown:g}"
        frames_per_s = len(self.times_ms) / self.seconds
        return (
            f"| {self.rate_per_s:g} | {speed} | {processor_ms:.1f} ms | {median} ms | {p95} ms | {frames_per_s:.0f} |"
        )


def frame_times_ms(page: Page, seconds: float) -> list[float]:
    """Return how long each frame of the next seconds takes, on a page that was opened with NOTE_FRAMES."""
    page.evaluate("() => window.takeFrames()")
    page.wait_for_timeout(seconds * 1000)
    times_ms: list[float] = page.evaluate("() => window.takeFrames()")
    return times_ms


def measure(rates_per_s: Sequence[float], slowdown: float, seconds: float) -> Iterator[Frames]:
    """Open a classroom with one page, and measure its frames at each rate, at full speed and slowed down."""
    with running_classroom() as room, sync_playwright() as playwright:
        browser = launch_chromium(playwright)
        try:
            page = browser.new_page(viewport=SCREEN)
            page.add_init_script(NOTE_FRAMES)
            open_page(page, room)
            processor = page.context.new_cdp_session(page)
            processor.send("Performance.enable", {"timeDomain": "threadTicks"})
            for rate_per_s in rates_per_s:
                room.start_run(rate_per_s=rate_per_s, duration_s=FILLED_S + 2 * seconds + 10)
                page.wait_for_timeout(FILLED_S * 1000)
                for factor in (1.0, slowdown):
                    _slow_down(processor, factor)
                    before_s = _used_s(processor)
                    times_ms = frame_times_ms(page, seconds)
                    yield Frames(rate_per_s, factor, times_ms, seconds, _used_s(processor) - before_s)
                _slow_down(processor, 1.0)
        finally:
            browser.close()


def _slow_down(processor: CDPSession, factor: float) -> None:
    processor.send("Emulation.setCPUThrottlingRate", {"rate": factor})


def _used_s(processor: CDPSession) -> float:
    """Return the processor time that the page's main thread has used so far."""
    metrics = processor.send("Performance.getMetrics")["metrics"]
    return next(float(metric["value"]) for metric in metrics if metric["name"] == "TaskDuration")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print a table, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.classroom_frames", description=__doc__)
    parser.add_argument("--rates", nargs="+", type=float, default=RATES_PER_S, help="events per second (%(default)s)")
    parser.add_argument("--slowdown", type=float, default=SLOWDOWN, help="of the second half (%(default)s)")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="for each rate and speed (%(default)s)")
    asked = parser.parse_args(arguments)
    print("| events/s | speed | processor time | median | 95 % within | frames/s |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: |")
    for frames in measure(asked.rates, asked.slowdown, asked.seconds):
        print(frames.line(), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
