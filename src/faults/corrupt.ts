import { defineFault } from './fault';

export const corrupt = defineFault({
  kind: 'corrupt',
  label: 'Corruption',
  observe:
    'Single bits arrive wrong: messages do not parse, and a file that is not checked by hash is silently damaged.',
  look: 'altered',
  targets: ['tcp', 'udp'],
  fields: {
    every: {
      control: 'number',
      label: 'One wrong byte in',
      help: 'Distance between two wrong bytes, on average.',
      default: 10_000,
      min: 1,
      max: 1_000_000_000,
      unit: 'bytes',
    },
  },
  badge: ({ every }) => `1 wrong in ${every}`,
  create: (settings) => {
    const corrupter = (random: () => number): ((bytes: Uint8Array) => Uint8Array) => {
      let drawnFor = 0;
      let untilNext = 0;
      // The distance is drawn, not each byte's fate: what goes wrong does not depend on how bytes are cut.
      const draw = (): void => {
        drawnFor = settings.params.every;
        untilNext = drawnFor <= 1 ? 0 : Math.floor(Math.log(1 - random()) / Math.log(1 - 1 / drawnFor));
      };
      return (bytes) => {
        if (drawnFor !== settings.params.every) draw();
        if (untilNext >= bytes.length) {
          untilNext -= bytes.length;
          return bytes;
        }
        const damaged = new Uint8Array(bytes);
        let at = untilNext;
        while (at < damaged.length) {
          damaged[at] = (damaged[at] as number) ^ (1 << Math.floor(random() * 8));
          draw();
          at += 1 + untilNext;
        }
        untilNext = at - damaged.length;
        return damaged;
      };
    };
    return {
      stream: ({ random }) => {
        const damage = corrupter(random);
        return {
          shape: (item) => (item.type === 'bytes' ? [{ type: 'bytes', bytes: damage(item.bytes) }] : [item]),
        };
      },
      datagrams: ({ random }) => {
        const damage = corrupter(random);
        return { pass: (bytes) => [{ bytes: damage(bytes) }] };
      },
    };
  },
});
