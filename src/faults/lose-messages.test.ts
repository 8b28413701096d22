import { describe, expect, it } from 'vitest';
import { connected, hear, worlds } from './testing/worlds';

describe.each(worlds)('lost messages, %s', (_name, make) => {
  it('swallows lines of the type, whole, and nothing else', async () => {
    const world = make();
    world.setFaults({ kind: 'lose-messages', scope: { messages: ['SERVER_DOWN'], direction: 'out' } });
    const { near, far, close } = await connected(world, 'node');
    const heard = hear(far);
    hear(near);
    near.write('LIST_SERVERS\nSERVER_DOWN CS1 17000\nSERVER_UP CS2\n');
    await world.until(() => heard.text !== '');
    near.end();
    await world.until(() => heard.ended);
    expect(heard.text).toBe('LIST_SERVERS\nSERVER_UP CS2\n');
    await close();
  });

  it('swallows only the first, when told so', async () => {
    const world = make();
    world.setFaults({ kind: 'lose-messages', scope: { messages: ['GET'] }, pick: { first: 1 } });
    const { near, far, close } = await connected(world, 'node');
    const heard = hear(far);
    hear(near);
    near.end('GET a\nGET b\n');
    await world.until(() => heard.ended);
    expect(heard.text).toBe('GET b\n');
    await close();
  });
});
