import type { Endpoint, NodeContext } from '../../runtime/context';

/** A word that no server of a line protocol knows: whoever runs answers ERROR, or closes. */
const QUESTION = 'PING\n';

/**
 * Whether a program answers at a TCP address within `timeoutMs`. An open port is not enough: the system accepts
 * for a process that hangs, too.
 */
export async function answers(
  { net, clock }: NodeContext,
  at: Endpoint,
  timeoutMs: number,
): Promise<boolean> {
  const deadline = clock.now() + timeoutMs;
  try {
    const connection = await net.connect(at, { timeoutMs });
    return await new Promise((resolve) => {
      const settle = (answer: boolean): void => {
        timer.cancel();
        connection.destroy();
        resolve(answer);
      };
      const timer = clock.after(Math.max(0, deadline - clock.now()), () => settle(false));
      connection.handle({
        data: () => settle(true),
        end: () => settle(true),
        close: () => settle(false),
      });
      connection.write(QUESTION);
    });
  } catch {
    return false;
  }
}
