import { describe, expect, it } from 'vitest';
import { FREE_FAILURES, LoginGuard } from '../../protocol/login-guard';
import { challengeFor, checkProof, createAccount, newNonce, prove, sameBytes } from './login';

const secret = Buffer.alloc(32, 7);

describe('login', () => {
  it('lets the right password in, and proves the index to the peer', async () => {
    const account = await createAccount('alice', 'correct horse');
    const clientNonce = newNonce();
    const challenge = challengeFor('alice', account, secret);
    const { proof, expectedSignature } = await prove('alice', 'correct horse', clientNonce, challenge);
    const signature = checkProof(account, clientNonce, challenge, proof);
    expect(signature && sameBytes(signature, expectedSignature)).toBe(true);
  });

  it('refuses another password, another user, and a proof that was seen before', async () => {
    const account = await createAccount('alice', 'correct horse');
    const clientNonce = newNonce();
    const challenge = challengeFor('alice', account, secret);
    const wrong = await prove('alice', 'battery staple', clientNonce, challenge);
    expect(checkProof(account, clientNonce, challenge, wrong.proof)).toBeNull();
    const { proof } = await prove('alice', 'correct horse', clientNonce, challenge);
    expect(checkProof({ ...account, user: 'bob' }, clientNonce, challenge, proof)).toBeNull();
    expect(checkProof(account, clientNonce, challengeFor('alice', account, secret), proof)).toBeNull();
  });

  it('keeps no password, and nothing that would serve as one', async () => {
    const account = await createAccount('alice', 'correct horse');
    expect(JSON.stringify(account)).not.toContain('correct horse');
    const again = await createAccount('alice', 'correct horse');
    expect(again.storedKey).not.toBe(account.storedKey);
    const challenge = challengeFor('alice', account, secret);
    const stolen = Buffer.from(account.storedKey, 'hex');
    expect(checkProof(account, newNonce(), challenge, stolen)).toBeNull();
  });

  it('does not tell who has an account', () => {
    const first = challengeFor('nobody', undefined, secret);
    const second = challengeFor('nobody', undefined, secret);
    expect(sameBytes(first.salt, second.salt)).toBe(true);
    expect(sameBytes(first.nonce, second.nonce)).toBe(false);
  });

  it('refuses to work for an index that asks for too much', async () => {
    const challenge = { ...challengeFor('a', undefined, secret), cost: 1 << 24 };
    await expect(prove('a', 'b', newNonce(), challenge)).rejects.toThrow(/unreasonable/);
    await expect(prove('a', 'b', newNonce(), { ...challenge, cost: 1000 })).rejects.toThrow(/unreasonable/);
  });
});

describe('guessing', () => {
  it('is locked out, longer each time, and forgiven after a success', () => {
    const guard = new LoginGuard();
    for (let failure = 1; failure < FREE_FAILURES; failure++) expect(guard.failed('alice', 0)).toBe(0);
    const first = guard.failed('alice', 0);
    expect(first).toBeGreaterThan(0);
    expect(guard.lockedFor('alice', 1000)).toBe(first - 1000);
    expect(guard.lockedFor('bob', 0)).toBe(0);
    expect(guard.failed('alice', first)).toBe(2 * first);
    expect(guard.locked(first)).toEqual([{ key: 'alice', forMs: 2 * first }]);
    guard.succeeded('alice');
    expect(guard.failed('alice', 10 * first)).toBe(0);
  });

  it('does not fill the memory', () => {
    const guard = new LoginGuard();
    for (let address = 0; address < 30_000; address++)
      for (let failure = 0; failure < FREE_FAILURES; failure++) guard.failed(String(address), 0);
    expect(guard.locked(1).length).toBeLessThanOrEqual(10_000);
  });
});
