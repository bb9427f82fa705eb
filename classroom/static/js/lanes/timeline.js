/** Which moment the lanes show: now, one that is held, or a run again at its own or a slower speed. Pure.
 *
 * "Now" is a little late on purpose: what the server tells comes in ticks, and a line is drawn when both its ends are known.
 */

const TELLING_LAG_NS = 300e6;

export const SPEEDS = Object.freeze([1, 1 / 5, 1 / 20]);

export class Timeline {
  mode = "live";
  /** The run that is shown where it is not the one that is on; null: whatever is on. */
  data = null;
  speed = 1;
  #replays = false;
  /** The moment shown last, and when a replay began or went on; null before there was one. */
  #shown_ns = null;
  #from_ns = null;

  /** The moment to show, for this time of the server's clock and this run being on; `holds`: it is over, and none follows. */
  shownNs(now_ns, current, holds = false) {
    if (this.mode === "live") {
      this.#shown_ns = Math.min(latestNs(now_ns, current), holds ? current.over_ns : Infinity);
    } else if (this.mode === "replay") {
      this.#shown_ns = Math.min(this.data.run.t0_ns + (now_ns - this.#from_ns) * this.speed, this.data.over_ns);
      if (this.#shown_ns >= this.data.over_ns) this.mode = "frozen";
    }
    return this.#shown_ns;
  }

  /** Hold the picture; `data` is the run that it belongs to. */
  freeze(data) {
    this.data ??= data;
    this.mode = "frozen";
  }

  goLive() {
    Object.assign(this, { data: null, mode: "live" });
    this.#replays = false;
  }

  replay(data, speed, now_ns) {
    Object.assign(this, { data, speed, mode: "replay" });
    this.#replays = true;
    this.#from_ns = now_ns;
    this.#shown_ns = data.run.t0_ns;
  }

  /** Go on from where the picture was held: a replay goes on replaying, live goes back to now. */
  resume(now_ns) {
    if (!this.#replays || this.#shown_ns >= this.data.over_ns) {
      this.goLive();
    } else {
      this.#from_ns = now_ns - (this.#shown_ns - this.data.run.t0_ns) / this.speed;
      this.mode = "replay";
    }
  }

  /** Whether a replay is running or held. */
  get isReplay() {
    return this.#replays;
  }

  /** Put the held picture at a moment, of those of its run that can be shown yet. */
  moveTo(shown_ns, now_ns) {
    const { run, over_ns } = this.data;
    this.#shown_ns = Math.max(run.t0_ns, Math.min(shown_ns, over_ns, latestNs(now_ns, this.data)));
    this.mode = "frozen";
  }
}

/** The latest moment of which both ends of every line are known. */
function latestNs(now_ns, data) {
  return now_ns - TELLING_LAG_NS - (data?.settings.one_way_delay_ms ?? 0) * 1e6;
}
