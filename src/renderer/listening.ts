/** Where a node listens, as far as its configuration says. Pure. */
import type { Endpoint } from '../contract/endpoint';
import { hostField } from '../contract/fields';
import type { NodeSpec } from '../contract/workspace';
import { manifestOf } from '../nodes/manifests';

const everyAddress = ['0.0.0.0', '::'];

export function hostOf({ config }: NodeSpec): string {
  return String(config.host ?? hostField.default);
}

/** Whether what listens on one of these addresses is met at the other. */
export function isSameHost(a: string, b: string): boolean {
  return a === b || everyAddress.includes(a) || everyAddress.includes(b);
}

export interface ConfiguredPort {
  transport: 'tcp' | 'udp';
  /** 0 takes any free one. */
  port: number;
}

export function configuredPorts({ kind, config }: NodeSpec): ConfiguredPort[] {
  return Object.entries(manifestOf(kind)?.fields ?? {}).flatMap(([key, field]) =>
    field.control === 'port'
      ? [{ transport: field.transport, port: Number(config[key] ?? field.default) }]
      : [],
  );
}

/** The node that listens there, or that would if it ran: one that was killed keeps its place. */
export function nodeAt(
  { host, port }: Endpoint,
  specs: Iterable<NodeSpec>,
  boundPorts: (node: string) => Readonly<Record<string, number>>,
): NodeSpec | undefined {
  const here = [...specs].filter((spec) => isSameHost(hostOf(spec), host));
  const bound = here.find(({ id }) => Object.values(boundPorts(id)).includes(port));
  return bound ?? here.find((spec) => configuredPorts(spec).some((one) => one.port === port));
}
