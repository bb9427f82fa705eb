/** Values kept in the tab's session storage, so that they survive a reload of the page. */

/** Return the stored value; null if there is none or the browser forbids storage. */
export function readStored(key) {
  try {
    return JSON.parse(sessionStorage.getItem(key));
  } catch {
    return null;
  }
}

export function store(key, value) {
  try {
    sessionStorage.setItem(key, JSON.stringify(value));
  } catch {
    // Storage may be forbidden or full: the value is then lost when the page is reloaded.
  }
}
