import { expect, it } from 'vitest';
import { Fields } from '../../protocol/http/fields';
import type { Endpoint, NodeContext } from '../../runtime/context';
import type { Upstream } from '../shared/http/upstream';
import { Origins } from './origins';
import type { Route } from './route';
import { Statistics } from './statistics';

it('forgets servers that clients have made up, and never one that it is configured for', () => {
  const nobodyThere = {
    fetch: (_to: Endpoint, _request: object, sink: { failed(error: object): void }) => {
      sink.failed({ kind: 'unreachable', message: 'nothing listens there' });
      return {};
    },
    forget: () => {},
  } as unknown as Upstream;
  const context = { telemetry: { event: () => {} } } as unknown as NodeContext;
  const origins = new Origins(context, [server(1)], nobodyThere, new Statistics(), () => {});
  const sink = { failed: () => {} } as never;
  for (let port = 1; port <= 1002; port++) {
    const route = { servers: [server(port)], target: '/' } as unknown as Route;
    origins.fetch(route, { method: 'GET', fields: new Fields() }, sink, () => {});
  }
  expect([1, 2, 3, 1002].map((port) => origins.isReachable(server(port)))).toEqual([
    false,
    true,
    true,
    false,
  ]);
});

function server(port: number): Endpoint {
  return { host: '127.0.0.1', port };
}
