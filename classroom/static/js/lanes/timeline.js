/** Which moment the right edge of the lanes shows: now, a frozen one, or that of a replay at a run's own or a slower speed. Pure.
 *
 * "Now" is a little late on purpose: the server's messages come in batches, and a line is drawn when both its ends are known.
 */

const TELLING_LAG_NS = 300e6;

export const SPEEDS = Object.freeze([1, 1 / 5, 1 / 20]);

export class Timeline {
  mode = "live";
  /** The run that is frozen or replayed; null: whichever is in progress is shown. */
  data = null;
  speed = 1;
  #replays = false;
  /** The moment shown last, and when the replay would have begun had it never been held; null: not yet known. */
  #shown_ns = null;
  #from_ns = null;

  /** Compute the moment to show. `now_ns`: by the server's clock; `current`: the present run; `holds`: it has ended and none follows, so the picture stops at its end. */
  shownNs(now_ns, current, holds = false) {
    if (this.mode === "live") {
      this.#shown_ns = Math.min(latestNs(now_ns, current), holds ? current.over_ns : Infinity);
    } else if (this.mode === "replay") {
      this.#shown_ns = Math.min(this.data.run.t0_ns + (now_ns - this.#from_ns) * this.speed, this.data.over_ns);
      if (this.#shown_ns >= this.data.over_ns) this.mode = "frozen";
    }
    return this.#shown_ns;
  }

  /** Freeze the picture, which belongs to the run `data`. */
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

  /** Go on: a replay from where it was frozen, a live picture from now. */
  resume(now_ns) {
    if (!this.#replays || this.#shown_ns >= this.data.over_ns) {
      this.goLive();
    } else {
      this.#from_ns = now_ns - (this.#shown_ns - this.data.run.t0_ns) / this.speed;
      this.mode = "replay";
    }
  }

  /** Whether a replay is shown, running or frozen. */
  get isReplay() {
    return this.#replays;
  }

  /** Freeze the picture at a moment, or at the nearest one of its run that can be shown yet. */
  moveTo(shown_ns, now_ns) {
    const { run, over_ns } = this.data;
    this.#shown_ns = Math.max(run.t0_ns, Math.min(shown_ns, over_ns, latestNs(now_ns, this.data)));
    this.mode = "frozen";
  }
}

/** The latest moment before which both ends of all lines are known. */
function latestNs(now_ns, data) {
  return now_ns - TELLING_LAG_NS - (data?.settings.one_way_delay_ms ?? 0) * 1e6;
}
