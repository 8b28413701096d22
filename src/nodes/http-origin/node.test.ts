/** The origin on a disk in memory that does not do what is expected of it. */
import { expect, it } from 'vitest';
import { configSchema } from '../../contract/schema';
import { Simulation } from '../../runtime/testing/simulation';
import { receive } from '../cache-proxy/testing/cache-world';
import { manifest, type OriginConfig } from './manifest';
import { createNode } from './node';

const AT = { host: '127.0.0.1', port: 8000 };

it.each([0, 10_000_000])(
  'serves a file as it is when opened, whatever size was told before, with %i bytes of memory for files',
  async (hotBytes) => {
    const world = new Simulation();
    const folder = world.files.at('/files');
    folder.put('growing.log', 'a line\n');
    let looks = 0;
    const stat = async () => {
      if (++looks > 10) throw new Error('It is looked at again and again.');
      return { size: 3, modifiedMs: 0 };
    };
    Object.assign(folder, { stat });
    const defaults = configSchema(manifest.fields).parse({}) as unknown as OriginConfig;
    const config = { ...defaults, port: AT.port, files: '/files', hotBytes };
    const origin = createNode(config, world.context('origin'));
    await origin.start();
    const connection = await world.network.host('client').connect(AT);
    const reply = receive(connection, 'GET');
    connection.write('GET /growing.log HTTP/1.1\r\nHost: a\r\n\r\n');
    await world.settle();
    await origin.stop();
    expect(await reply).toMatchObject({ status: 200, body: 'a line\n', broken: false });
  },
);
