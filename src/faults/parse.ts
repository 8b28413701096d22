/** Faults on the command line: `latency:delay=200,jitter=20,to=127.0.0.1:5050`. */
import { parseEndpoint } from '../contract/endpoint';
import { StudioError } from '../contract/errors';
import { type FaultSpec, MAX_SPAN_MS } from '../contract/fault';
import type { Field } from '../contract/fields';
import type { FaultDefinition } from './fault';
import { faultOf, faults } from './registry';

/** What can be said of every fault, beside its own settings. */
const common: Record<string, (fault: FaultSpec, value: string) => void> = {
  to: (fault, value) => {
    fault.scope.endpoints = list(value).map((text) => {
      const endpoint = parseEndpoint(text);
      if (!endpoint)
        throw wrong(`"${text}" is not an address.`, 'Write to=HOST:PORT, several with + between.');
      return endpoint;
    });
  },
  transport: (fault, value) => {
    fault.scope.transport = oneOf('transport', value, ['tcp', 'udp']);
  },
  direction: (fault, value) => {
    fault.scope.direction = oneOf('direction', value, ['in', 'out']);
  },
  messages: (fault, value) => {
    fault.scope.messages = list(value);
  },
  first: (fault, value) => {
    fault.pick = { ...fault.pick, first: number('first', value, 1, 1_000_000) };
  },
  each: (fault, value) => {
    fault.pick = { ...fault.pick, every: number('each', value, 1, 1_000_000) };
  },
  chance: (fault, value) => {
    fault.pick = { ...fault.pick, probability: number('chance', value, 0, 1) };
  },
  seed: (fault, value) => {
    fault.seed = number('seed', value, 0, 4_294_967_295);
  },
  begin: (fault, value) => {
    fault.schedule = { ...fault.schedule, afterMs: span('begin', value) };
  },
  for: (fault, value) => {
    fault.schedule = { ...fault.schedule, forMs: span('for', value) };
  },
  ramp: (fault, value) => {
    fault.schedule = { ...fault.schedule, rampMs: span('ramp', value) };
  },
  on: (fault, value) => {
    fault.schedule = { ...fault.schedule, onMs: span('on', value) };
  },
  off: (fault, value) => {
    fault.schedule = { ...fault.schedule, offMs: span('off', value) };
  },
};

/** The names that `--fault` takes for every fault. */
export const commonNames: readonly string[] = Object.keys(common);

/**
 * Reads faults of a foreground node, in the order of the chain.
 * @throws StudioError 'BAD_FAULT', which says what is wrong and what to write
 */
export function parseFaults(texts: readonly string[]): FaultSpec[] {
  return texts.map(parseFault);
}

function parseFault(text: string, index: number): FaultSpec {
  const colon = text.indexOf(':');
  const kind = (colon < 0 ? text : text.slice(0, colon)).trim();
  const definition = faultOf(kind);
  if (!definition) {
    throw wrong(
      `There is no fault "${kind}".`,
      `Known are: ${faults.map((fault) => fault.kind).join(', ')}.`,
    );
  }
  if (definition.byCore) {
    throw wrong(`${definition.label} is done from outside a node.`, 'Use the panel, or the system itself.');
  }
  const id = `${kind}-${index + 1}`;
  const fault: FaultSpec = { id, kind, node: 'foreground', scope: {}, params: {}, enabled: true };
  const settings = colon < 0 ? [] : text.slice(colon + 1).split(',');
  for (const setting of settings) apply(fault, definition, setting.trim());
  return fault;
}

function apply(fault: FaultSpec, definition: FaultDefinition, setting: string): void {
  const equals = setting.indexOf('=');
  const name = equals < 0 ? setting : setting.slice(0, equals);
  const value = setting.slice(equals + 1);
  const field = Object.hasOwn(definition.fields, name) ? definition.fields[name] : undefined;
  const set = Object.hasOwn(common, name) ? common[name] : undefined;
  if (equals < 0 || (!field && !set)) {
    const names = [...Object.keys(definition.fields), ...commonNames];
    throw wrong(
      `"${setting}" is no setting of ${definition.kind}.`,
      `Write NAME=VALUE. Names: ${names.join(', ')}.`,
    );
  }
  if (field) fault.params[name] = fieldValue(name, field, value);
  else set?.(fault, value);
}

function fieldValue(name: string, field: Field, value: string): unknown {
  switch (field.control) {
    case 'number':
      return number(name, value, field.min, field.max);
    case 'choice':
      return oneOf(
        name,
        value,
        field.options.map((option) => option.value),
      );
    case 'toggle':
      return oneOf(name, value, ['true', 'false']) === 'true';
    default:
      return value;
  }
}

function number(name: string, value: string, min: number, max: number): number {
  const parsed = Number(value);
  if (value.trim() === '' || !(parsed >= min && parsed <= max)) {
    throw wrong(`${name}=${value} is not possible.`, `${name} is a number from ${min} to ${max}.`);
  }
  return parsed;
}

/** Milliseconds from '10s', '250ms', '2m' or '250'. */
function span(name: string, value: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m)?$/.exec(value.trim());
  if (!match) throw wrong(`${name}=${value} is not a time.`, `Write ${name}=10s, 250ms or 2m.`);
  const ms = Number(match[1]) * { ms: 1, s: 1000, m: 60_000 }[(match[2] ?? 'ms') as 'ms' | 's' | 'm'];
  if (ms > MAX_SPAN_MS) throw wrong(`${name}=${value} is too long.`, `${name} is a day at most, 1440m.`);
  return ms;
}

function oneOf<const Value extends string>(name: string, value: string, values: readonly Value[]): Value {
  const found = values.find((each) => each === value);
  if (found === undefined)
    throw wrong(`${name}=${value} is not possible.`, `${name} is one of: ${values.join(', ')}.`);
  return found;
}

function list(value: string): string[] {
  return value.split('+').map((part) => part.trim());
}

function wrong(message: string, hint: string): StudioError {
  return new StudioError('BAD_FAULT', message, hint);
}
