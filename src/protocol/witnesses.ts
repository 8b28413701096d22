/**
 * Confirmation by others, after SWIM (Das, Gupta, Motivala, 2002): who has been silent is not declared dead on the
 * word of one observer. The observer asks the suspect itself, and n others, chosen at random, to ask it; one that
 * reaches it saves it. Where silence alone would kill a healthy server with chance s, it dies with s · q · wⁿ: q is
 * the chance that the observer's own question fails, w that one by way of a witness does.
 *
 * With a share p of all packets lost, and time for one attempt: q = 1 − (1 − p)² (a handshake is two packets), and
 * w = 1 − (1 − p)² (1 − q) (the question to the witness and its answer are one datagram each). At p = 20 % and
 * n = 3 that leaves one false death in 13, at 5 % one in 1600. The price: a suspicion comes earlier by the
 * time that is given for answers, and costs 2 n datagrams and n + 1 connections.
 */
export interface ConfirmOptions {
  /** Others that are asked. 0: nobody is asked, silence is enough. */
  count: number;
  /** Time for the answers, ms. */
  confirmMs: number;
}

/** Chooses `count` of the candidates, each with the same chance. @param random uniform in [0, 1) */
export function chooseWitnesses<T>(candidates: readonly T[], count: number, random: () => number): T[] {
  const left = [...candidates];
  const chosen: T[] = [];
  while (chosen.length < count && left.length > 0) {
    const at = Math.floor(random() * left.length);
    chosen.push(left[at] as T);
    left[at] = left.at(-1) as T;
    left.pop();
  }
  return chosen;
}

/** From an observer to a witness: does this address answer you? Between our own programs only. */
export interface Probe {
  /** Chosen by the observer; comes back in the answer. */
  nonce: string;
  host: string;
  port: number;
}

/** The answer of a witness. */
export interface Testimony {
  nonce: string;
  answers: boolean;
}

const WORD = /^[!-~]{1,255}$/;

/** `PROBE <nonce> <host> <port>` */
export function encodeProbe({ nonce, host, port }: Probe): string {
  return `PROBE ${nonce} ${host} ${port}`;
}

/** `PROBED <nonce> up|down` */
export function encodeTestimony({ nonce, answers }: Testimony): string {
  return `PROBED ${nonce} ${answers ? 'up' : 'down'}`;
}

/** Null for anything else. */
export function parseProbe(text: string): Probe | null {
  const [command, nonce = '', host = '', portText = '', ...rest] = text.trimEnd().split(' ');
  const port = Number(portText);
  if (command !== 'PROBE' || rest.length > 0 || !WORD.test(nonce) || !WORD.test(host)) return null;
  return Number.isInteger(port) && port >= 1 && port <= 65_535 ? { nonce, host, port } : null;
}

/** Null for anything else. */
export function parseTestimony(text: string): Testimony | null {
  const match = /^PROBED ([!-~]{1,255}) (up|down)$/.exec(text.trimEnd());
  return match ? { nonce: match[1] as string, answers: match[2] === 'up' } : null;
}
