import { Worker } from 'node:worker_threads';
import type { Burden, Machine } from '../faults/fault';
import type { Clock } from './context';

/** Memory is touched page by page: what is only reserved costs nothing. */
const PAGE_BYTES = 4096;
/** Share of the time is kept within periods of this length, too short to be felt as a stall. */
const BURN_PERIOD_MS = 20;

const burner = `
  const { workerData: { busyMs, periodMs } } = require('node:worker_threads');
  const period = () => {
    const end = performance.now() + busyMs;
    while (performance.now() < end);
    setTimeout(period, periodMs - busyMs);
  };
  period();
`;

/** What faults may do to this process. */
export function systemMachine(clock: Clock): Machine {
  return {
    now: () => clock.now(),
    every(ms, run) {
      const timer = clock.every(ms, run);
      return { release: () => timer.cancel() };
    },
    crash() {
      process.kill(process.pid, 'SIGKILL');
    },
    stall(ms) {
      const end = performance.now() + ms;
      while (performance.now() < end);
    },
    burn: (cores, share) => burn(cores, share),
    allocate: (bytes) => allocate(bytes),
  };
}

/** In threads, so that the node's own loop only competes for the processor, as with a busy neighbour. */
function burn(cores: number, share: number): Burden {
  const workerData = { busyMs: BURN_PERIOD_MS * share, periodMs: BURN_PERIOD_MS };
  const workers = Array.from({ length: cores }, () => new Worker(burner, { eval: true, workerData }));
  for (const worker of workers) worker.unref();
  return {
    release: () => {
      for (const worker of workers) void worker.terminate();
    },
  };
}

function allocate(bytes: number): Burden {
  let held: Uint8Array | undefined = new Uint8Array(bytes);
  for (let at = 0; at < held.length; at += PAGE_BYTES) held[at] = 1;
  return {
    release: () => {
      held = undefined;
    },
  };
}
