import fc from 'fast-check';
import { expect, it } from 'vitest';
import { chooseWitnesses, encodeProbe, encodeTestimony, parseProbe, parseTestimony } from './witnesses';

it('witnesses are candidates, each at most once, and as many as there are to be had', () => {
  const candidates = fc.uniqueArray(fc.integer(), { maxLength: 20 });
  const dice = fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }));
  fc.assert(
    fc.property(candidates, fc.nat(25), dice, (all, count, stream) => {
      const chosen = chooseWitnesses(all, count, () => stream.next().value as number);
      expect(chosen).toHaveLength(Math.min(count, all.length));
      expect(new Set(chosen).size).toBe(chosen.length);
      expect(chosen.every((one) => all.includes(one))).toBe(true);
    }),
  );
});

it('probes and testimonies come through, and nothing else is taken for one', () => {
  const probe = { nonce: 'a7', host: '127.0.0.1', port: 7001 };
  expect(parseProbe(encodeProbe(probe))).toEqual(probe);
  for (const answers of [true, false]) {
    expect(parseTestimony(encodeTestimony({ nonce: 'a7', answers }))).toEqual({ nonce: 'a7', answers });
  }
  const wrong = [
    '',
    'PROBE',
    'PROBE a 127.0.0.1 0',
    'PROBE a 127.0.0.1 70000',
    'PROBE a b c d',
    'PROBE a h 1 x',
  ];
  for (const text of [...wrong, 'HEARTBEAT CS1 127.0.0.1 7001 0 3']) {
    expect(parseProbe(text)).toBeNull();
    expect(parseTestimony(text)).toBeNull();
  }
  fc.assert(fc.property(fc.string(), (text) => void [parseProbe(text), parseTestimony(text)]));
});
