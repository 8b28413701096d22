/**
 * Login by challenge and response, as in SCRAM (RFC 5802) with scrypt (RFC 7914) in the place of PBKDF2. Nothing
 * on the wire lets anybody log in later, and what the index keeps does not either; both sides prove themselves.
 */
import { createHash, createHmac, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { NONCE_BYTES } from '../../protocol/p2p-messages';

/** How hard guessing is: 128 × cost × blockSize bytes of memory (16 MiB here) and some 50 ms for each guess. */
export interface ScryptCosts {
  cost: number;
  blockSize: number;
  parallel: number;
}

const COSTS: ScryptCosts = { cost: 16_384, blockSize: 8, parallel: 1 };
/** An index that asks for more wants to exhaust us. */
const MAX_MEMORY = 64 * 1024 * 1024;
const KEY_BYTES = 32;

/** What the index keeps of a person; hex. */
export interface Account extends ScryptCosts {
  user: string;
  salt: string;
  storedKey: string;
  serverKey: string;
}

export interface Challenge extends ScryptCosts {
  salt: Uint8Array;
  nonce: Uint8Array;
}

export function newNonce(): Buffer {
  return randomBytes(NONCE_BYTES);
}

export async function createAccount(user: string, password: string): Promise<Account> {
  const salt = randomBytes(NONCE_BYTES);
  const { storedKey, serverKey } = keys(await saltedPassword(password, salt, COSTS));
  return {
    user,
    ...COSTS,
    salt: salt.toString('hex'),
    storedKey: storedKey.toString('hex'),
    serverKey: serverKey.toString('hex'),
  };
}

/** The challenge for an account; for an unknown user one that looks the same each time, so that names cannot be guessed. */
export function challengeFor(user: string, account: Account | undefined, secret: Uint8Array): Challenge {
  const salt = account
    ? Buffer.from(account.salt, 'hex')
    : hmac(secret, Buffer.from(user)).subarray(0, NONCE_BYTES);
  const { cost, blockSize, parallel } = account ?? COSTS;
  return { salt, nonce: newNonce(), cost, blockSize, parallel };
}

export interface ProofAndSignature {
  proof: Buffer;
  /** What the index has to answer if it knows the account. */
  expectedSignature: Buffer;
}

/** The peer's side. @throws when the index asks for an unreasonable amount of work */
export async function prove(
  user: string,
  password: string,
  clientNonce: Uint8Array,
  challenge: Challenge,
): Promise<ProofAndSignature> {
  const { cost, blockSize, parallel } = challenge;
  const powerOfTwo = cost > 1 && (cost & (cost - 1)) === 0;
  if (!powerOfTwo || blockSize < 1 || parallel < 1 || 128 * cost * blockSize * parallel > MAX_MEMORY) {
    throw new Error('The index asks for an unreasonable amount of work to log in.');
  }
  const { clientKey, storedKey, serverKey } = keys(await saltedPassword(password, challenge.salt, challenge));
  const message = authMessage(user, clientNonce, challenge);
  return { proof: xor(clientKey, hmac(storedKey, message)), expectedSignature: hmac(serverKey, message) };
}

/** The index's side: the signature to answer with, or null when the proof is wrong. */
export function checkProof(
  account: Account,
  clientNonce: Uint8Array,
  challenge: Challenge,
  proof: Uint8Array,
): Buffer | null {
  const message = authMessage(account.user, clientNonce, challenge);
  const storedKey = Buffer.from(account.storedKey, 'hex');
  const clientKey = xor(proof, hmac(storedKey, message));
  const right = timingSafeEqual(createHash('sha256').update(clientKey).digest(), storedKey);
  return right ? hmac(Buffer.from(account.serverKey, 'hex'), message) : null;
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

function authMessage(
  user: string,
  clientNonce: Uint8Array,
  { salt, nonce, cost, blockSize, parallel }: Challenge,
): Buffer {
  const costs = `${cost},${blockSize},${parallel}`;
  return Buffer.concat([Buffer.from(`${user}\0${costs}\0`), clientNonce, nonce, salt]);
}

function keys(salted: Buffer): { clientKey: Buffer; storedKey: Buffer; serverKey: Buffer } {
  const clientKey = hmac(salted, Buffer.from('Client Key'));
  const storedKey = createHash('sha256').update(clientKey).digest();
  return { clientKey, storedKey, serverKey: hmac(salted, Buffer.from('Server Key')) };
}

function saltedPassword(password: string, salt: Uint8Array, costs: ScryptCosts): Promise<Buffer> {
  const { cost: N, blockSize: r, parallel: p } = costs;
  return new Promise((resolve, reject) => {
    scrypt(password.normalize('NFKC'), salt, KEY_BYTES, { N, r, p, maxmem: 2 * MAX_MEMORY }, (error, key) =>
      error ? reject(error) : resolve(key),
    );
  });
}

function hmac(key: Uint8Array, message: Uint8Array): Buffer {
  return createHmac('sha256', key).update(message).digest();
}

function xor(a: Uint8Array, b: Uint8Array): Buffer {
  return Buffer.from(a.map((byte, at) => byte ^ (b[at] as number)));
}
