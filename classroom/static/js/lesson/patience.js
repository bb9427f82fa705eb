const PATIENCE_MS = 20_000;
const LOOK_AGAIN_MS = 25;

/** Resolves when `holds()` returns true; rejects if it does not within PATIENCE_MS. */
export async function until(holds) {
  const end = performance.now() + PATIENCE_MS;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`The server did not answer within ${PATIENCE_MS / 1000} s.`);
    await pause(LOOK_AGAIN_MS);
  }
}

export function pause(ms) {
  return new Promise((resolve) => { setTimeout(resolve, ms); });
}
