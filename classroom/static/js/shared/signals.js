/** Named events without the DOM: who listens, and a way to stop listening. */
export class Signals {
  #listeners = new Map();

  /** @returns {() => void} ends the listening */
  on(event, fn) {
    if (!this.#listeners.has(event)) this.#listeners.set(event, new Set());
    this.#listeners.get(event).add(fn);
    return () => this.#listeners.get(event).delete(fn);
  }

  emit(event, data) {
    for (const fn of this.#listeners.get(event) ?? []) fn(data);
  }
}
