/** A page without frames applies what came this often. */
const withoutFramesMs = 1000;

/**
 * Runs `apply` once: at the next frame, or after a while when there is none. A page may be hidden after the frame
 * was asked for, and then it never comes.
 */
export function atNextFrame(apply: () => void): void {
  const run = (): void => {
    cancelAnimationFrame(frame);
    clearTimeout(timer);
    apply();
  };
  const frame = requestAnimationFrame(run);
  const timer = setTimeout(run, withoutFramesMs);
}
