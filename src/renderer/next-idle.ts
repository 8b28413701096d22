/** The longest that a page may be busy before what waits is done all the same. */
const patienceMs = 1000;

/** Resolves when the page has nothing else to do; Safari does not tell, and gets the next turn of its loop. */
export function nextIdle(): Promise<void> {
  return new Promise((resolve) => {
    if ('requestIdleCallback' in window) requestIdleCallback(() => resolve(), { timeout: patienceMs });
    else setTimeout(resolve);
  });
}
