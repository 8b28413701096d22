import { type Endpoint, formatEndpoint } from '../../contract/endpoint';

const reasons: Record<string, string> = {
  ECONNREFUSED: 'nothing listens there',
  ETIMEDOUT: 'it does not answer',
  ECONNRESET: 'it broke the connection',
  EPIPE: 'it broke the connection',
  ECLOSED: 'it closed the connection',
  EHOSTUNREACH: 'there is no way to it',
  ENETUNREACH: 'there is no way to it',
  EADDRNOTAVAIL: 'this machine has no such address',
  ENOTFOUND: 'the name is not known',
};

/** Why a connection failed, as a phrase. */
export function reasonOf(error: unknown): string {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return (typeof code === 'string' && reasons[code]) || String(message ?? error);
}

/** Reasons, phrases and whole sentences alike, as the end of one sentence. */
export function sentenceOf(...reasons: readonly string[]): string {
  return `${reasons.map((reason) => reason.replace(/\.$/, '')).join('; ')}.`;
}

/** '127.0.0.1:5050 cannot be reached: nothing listens there' */
export function unreachable(to: Endpoint, error: unknown): string {
  return `${formatEndpoint(to)} cannot be reached: ${reasonOf(error)}`;
}

export function codeOf(error: unknown): string | undefined {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === 'string' ? code : undefined;
}
