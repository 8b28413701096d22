/** Faults in words: for badges, lists and the journal. */
import type { FaultSpec } from '../contract/fault';
import type { FaultDefinition } from './fault';
import { faultOf } from './registry';
import { describeSchedule } from './schedule';

/** What is set, defaults filled in. */
export function paramsOf(definition: FaultDefinition, set: Record<string, unknown>): Record<string, unknown> {
  const params: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(definition.fields)) {
    if ('default' in field) params[name] = set[name] ?? field.default;
  }
  return params;
}

/** The kind and the figure, short: '200 ms ±20'. */
export function badgeOf(fault: Pick<FaultSpec, 'kind' | 'params'>): string {
  const definition = faultOf(fault.kind);
  return definition ? definition.badge(paramsOf(definition, fault.params) as never) : fault.kind;
}

/** 'Latency (200 ms ±20)' */
export function titleOf(fault: Pick<FaultSpec, 'kind' | 'params'>): string {
  const definition = faultOf(fault.kind);
  if (!definition) return fault.kind;
  return Object.keys(definition.fields).length > 0
    ? `${definition.label} (${badgeOf(fault)})`
    : definition.label;
}

/** What it is narrowed to, in words; empty when it is not: 'TCP, sent, only HEARTBEAT, every 3rd, after 10 s'. */
export function narrowingOf({ kind, scope, pick, schedule }: FaultSpec): string {
  const bothWays = faultOf(kind)?.bothWays;
  return [
    scope.transport?.toUpperCase() ?? '',
    scope.direction && !bothWays ? { in: 'received', out: 'sent' }[scope.direction] : '',
    scope.messages?.length ? `only ${scope.messages.join(', ')}` : '',
    pick?.first ? `the first ${pick.first}` : '',
    pick?.every ? `every ${ordinal(pick.every)}` : '',
    pick?.probability === undefined ? '' : `with probability ${pick.probability}`,
    describeSchedule(schedule),
  ]
    .filter((part) => part !== '')
    .join(', ');
}

function ordinal(number: number): string {
  const tail = number % 100;
  if (tail >= 11 && tail <= 13) return `${number}th`;
  return `${number}${['th', 'st', 'nd', 'rd'][number % 10] ?? 'th'}`;
}

/** The documentation table: one line for each fault, as Markdown. */
export function faultTable(definitions: readonly FaultDefinition[]): string {
  const rows = definitions.map(({ kind, label, targets, fields, observe }) => {
    const settings = Object.entries(fields).map(([name, field]) => {
      const unit = field.control === 'number' && field.unit ? ` ${field.unit}` : '';
      return 'default' in field ? `\`${name}=${field.default}\`${unit}` : `\`${name}\``;
    });
    const on = targets.map((target) => (target === 'node' ? 'node' : target.toUpperCase())).join(', ');
    return `| \`${kind}\` | ${label} | ${on} | ${settings.join('<br>')} | ${observe} |`;
  });
  return [
    '| kind | fault | on | settings and defaults | what you will observe |',
    '|---|---|---|---|---|',
    ...rows,
  ].join('\n');
}
