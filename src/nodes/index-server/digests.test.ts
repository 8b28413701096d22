import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { INDEX, World } from '../shared/testing/micro-cdn-world';
import { RawPeer } from '../shared/testing/raw-peer';
import { judgeDigests } from './digests';
import type { Holding } from './registry';

const hex = (letter: string): string => letter.repeat(64);

describe('holders that do not agree', () => {
  /** 'aab': three holders, the third of which says something else; '-': says nothing. */
  const holders = (said: string, size = 1): Holding[] =>
    [...said].map((letter, order) => ({
      server: { serverId: `CS${order + 1}` } as Holding['server'],
      size,
      registration: 1,
      ...(letter === '-' ? {} : { digest: { sha256: hex(letter), order, current: true } }),
    }));
  const dissenters = (holdings: Holding[]): string =>
    [...judgeDigests(holdings).dissenters].map(({ server }) => server.serverId).join();

  it.each([
    ['', ''],
    ['-', ''],
    ['a', ''],
    ['aa-', ''],
    ['aba', 'CS2'],
    ['baa', 'CS1'],
    ['ab', 'CS2'],
    ['abb-', 'CS1'],
    ['abab', 'CS2,CS4'],
    ['abc', 'CS2,CS3'],
  ])('%s: dissenting %s', (said, expected) => {
    expect(dissenters(holders(said))).toBe(expected);
  });

  it('are judged among those of the same size, and only by what they say of what they have now', () => {
    const small = holders('a');
    const large = holders('bb', 2);
    const { dissenters, digestFor } = judgeDigests([...small, ...large]);
    expect(dissenters.size).toBe(0);
    expect(digestFor(small[0] as Holding)).toBe(hex('a'));
    expect(digestFor(large[1] as Holding)).toBe(hex('b'));
    const [first] = large;
    if (first?.digest) first.digest.current = false;
    expect(digestFor(first as Holding)).toBe(hex('b'));
  });

  it('never leave the majority without a digest', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', 'b', 'c', '-'), { maxLength: 12 }), (said) => {
        const holdings = holders(said.join(''));
        const { dissenters, digestFor } = judgeDigests(holdings);
        const says = holdings.filter(({ digest }) => digest);
        const agreeing = says.filter((holding) => !dissenters.has(holding));
        expect(new Set(agreeing.map(({ digest }) => digest?.sha256)).size).toBe(says.length > 0 ? 1 : 0);
        for (const holding of holdings) {
          expect(digestFor(holding)).toBe(dissenters.has(holding) ? undefined : agreeing[0]?.digest?.sha256);
        }
      }),
    );
  });
});

describe('an index that is told digests', () => {
  let world: World;
  beforeEach(async () => {
    world = new World();
    await world.index({ monitor: null });
  });
  afterEach(async () => {
    await world.end();
    expect(world.sim.clock.pending).toBe(0);
  });

  async function said(text: string): Promise<string[]> {
    const peer = await RawPeer.connect(world.sim.network.host('peer'), INDEX);
    peer.send(text);
    await world.sim.settle();
    return peer.lines;
  }
  const register = (number: number, letter: string): Promise<string[]> =>
    said(
      `REGISTER CS${number} 700${number} 0\nADD_FILE CS${number} my file 5\n` +
        `FILE_DIGEST CS${number} ${hex(letter)} my file\nDONE_FILES\n`,
    );
  const answers = async (features: string): Promise<string[]> =>
    (await said(`HELLO ${features}\nGET my file\nHOLDERS my file\n`)).slice(1);

  it('hands them to clients that have named it, and to nobody else', async () => {
    await register(1, 'a');
    expect(await answers('route digests')).toEqual([
      `SERVER 127.0.0.1 7001 CS1 5 sha256=${hex('a')}`,
      `HOLDER 127.0.0.1 7001 CS1 5 sha256=${hex('a')}`,
      'END',
    ]);
    expect(await answers('route')).toEqual([
      'SERVER 127.0.0.1 7001 CS1 5',
      'HOLDER 127.0.0.1 7001 CS1 5',
      'END',
    ]);
  });

  it('takes a new announcement for new bytes, and a digest of what nobody holds for nothing', async () => {
    await register(1, 'a');
    await said('UPDATE CS1\nADD_FILE CS1 my file 5\nDONE_FILES\n');
    expect((await answers('digests'))[0]).toBe('SERVER 127.0.0.1 7001 CS1 5');
    await said(
      `UPDATE CS1\nFILE_DIGEST CS1 ${hex('b')} my file\nFILE_DIGEST CS1 ${hex('b')} no file\nDONE_FILES\n`,
    );
    expect((await answers('digests'))[0]).toContain(hex('b'));
    expect((await said('STATUS CS1\n'))[0]).toBe('STATUS CS1 alive 1');
  });

  it('sends clients to those who agree, says so, and vouches for nobody else', async () => {
    for (const [at, letter] of ['a', 'b', 'a'].entries()) await register(at + 1, letter);
    expect(world.events('index', 'digests-disagree').at(-1)).toContain('on CS2 than on most');
    for (let asked = 0; asked < 20; asked++) {
      expect((await said('HELLO digests\nGET my file\n'))[1]).toMatch(/ CS[13] 5 sha256=a/);
    }
    expect(world.decisions()[0]?.candidates.find(({ serverId }) => serverId === 'CS2')?.note).toBe(
      'has other bytes than most holders',
    );
    await said('DRAIN CS1\nDRAIN CS3\n');
    expect((await said('HELLO digests\nGET my file\n'))[1]).toBe('SERVER 127.0.0.1 7002 CS2 5');
  });
});
