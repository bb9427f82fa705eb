/** Events by name, and the functions that listen to them. */
export class Signals {
  #listeners = new Map();

  /** @returns {() => void} stops listening */
  on(event, fn) {
    if (!this.#listeners.has(event)) this.#listeners.set(event, new Set());
    this.#listeners.get(event).add(fn);
    return () => this.#listeners.get(event).delete(fn);
  }

  emit(event, data) {
    for (const fn of this.#listeners.get(event) ?? []) fn(data);
  }
}
