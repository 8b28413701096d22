/** Command-line flags made from a manifest's fields, parsed into the configuration a node program takes. */
import { resolve } from 'node:path';
import { type Endpoint, parseEndpoint } from '../contract/endpoint';
import type { Field, Fields, LinkField } from '../contract/fields';
import type { NodeManifest } from '../contract/manifest';
import { rowsFromText } from '../contract/rows';
import { configSchema } from '../contract/schema';
import { nearest } from './nearest';

/** A mistake in the command line: the message is for the person, the exit code is 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** One flag: its spellings, and what a value does. `apply` throws a UsageError for a bad value. */
export interface Flag {
  names: string[];
  /** Shown in `--help` after the first name; absent: the flag takes no value. */
  value?: string;
  help: string;
  apply(value: string): void;
}

export interface ParsedLine {
  positional: string[];
  help: boolean;
}

/**
 * Applies `argv` to `flags`. Takes `--name value`, `--name=value`, and whatever spellings the flags list.
 * @throws UsageError for an unknown flag, with the nearest known one, and for a missing value
 */
export function parseLine(argv: readonly string[], flags: readonly Flag[]): ParsedLine {
  const byName = new Map(flags.flatMap((flag) => flag.names.map((name) => [name, flag] as const)));
  const parsed: ParsedLine = { positional: [], help: false };
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] as string;
    if (word === '--') {
      parsed.positional.push(...argv.slice(at + 1));
      break;
    }
    if (!word.startsWith('-') || word === '-') {
      parsed.positional.push(word);
      continue;
    }
    const equals = word.startsWith('--') ? word.indexOf('=') : -1;
    const name = equals < 0 ? word : word.slice(0, equals);
    if (name === '--help' || name === '-h') {
      parsed.help = true;
      continue;
    }
    const flag = byName.get(name);
    if (!flag) throw unknownFlag(name, [...byName.keys(), '--help']);
    if (flag.value === undefined) {
      if (equals >= 0) throw new UsageError(`${name} takes no value.`);
      flag.apply('');
      continue;
    }
    const value = equals < 0 ? argv[++at] : word.slice(equals + 1);
    if (value === undefined) throw new UsageError(`${name} needs a value: ${name} ${flag.value}`);
    flag.apply(value);
  }
  return parsed;
}

function unknownFlag(name: string, known: string[]): UsageError {
  const guess = nearest(name, known);
  return new UsageError(`There is no flag ${name}.${guess ? ` Did you mean ${guess}?` : ''} See --help.`);
}

/** The flags of a node kind, and the configuration they build up. */
export interface NodeFlags {
  flags: Flag[];
  /** The names of the values taken without a flag, in order, for `--help`. */
  positional: string[];
  /**
   * The finished configuration: links as addresses, folders absolute.
   * @throws UsageError for what is missing or out of range
   */
  config(positional: readonly string[]): Record<string, unknown>;
}

export function nodeFlags(manifest: NodeManifest): NodeFlags {
  const values: Record<string, unknown> = {};
  const links: Record<string, Endpoint | null> = {};
  const flags: Flag[] = [];
  for (const [key, field] of Object.entries(manifest.fields)) {
    if (field.control === 'link') flags.push(...linkFlags(key, field, links));
    else flags.push(...fieldFlags(key, field, values));
  }
  const positional = manifest.positional ?? [];
  return {
    flags,
    positional: positional.map((key) => kebab(key).toUpperCase().replaceAll('-', '_')),
    config(given) {
      for (const [at, key] of positional.entries()) {
        const field = manifest.fields[key] as Field;
        const value = given[at];
        if (value !== undefined) applyPositional(key, field, value, values, links);
      }
      if (given.length > positional.length) {
        throw new UsageError(`There is one value too many: ${given[positional.length]}. See --help.`);
      }
      return finish(manifest, values, links);
    },
  };
}

function applyPositional(
  key: string,
  field: Field,
  value: string,
  values: Record<string, unknown>,
  links: Record<string, Endpoint | null>,
): void {
  if (field.control === 'link') {
    const endpoint = parseEndpoint(value, field.defaultPort);
    if (!endpoint) throw new UsageError(`"${value}" is not HOST:PORT.`);
    links[key] = endpoint;
  } else {
    values[key] = readValue(field, value, field.label);
  }
}

function fieldFlags(key: string, field: Exclude<Field, LinkField>, values: Record<string, unknown>): Flag[] {
  if (field.flag === false) return [];
  const name = `--${field.flag ?? kebab(key)}`;
  const names = [name, ...(field.aliases ?? [])];
  if (field.control === 'toggle') {
    const set = (value: boolean) => () => {
      values[key] = value;
    };
    return field.default
      ? [{ names: [name.replace('--', '--no-')], help: `Not: ${field.help}`, apply: set(false) }]
      : [{ names, help: field.help, apply: set(true) }];
  }
  const apply = (value: string): void => {
    values[key] = readValue(field, value, name);
  };
  return [{ names, value: placeholder(field), help: helpOf(field), apply }];
}

function linkFlags(key: string, field: LinkField, links: Record<string, Endpoint | null>): Flag[] {
  const link = (): Endpoint => {
    links[key] ??= defaultLink(field);
    return links[key] as Endpoint;
  };
  const { host, port } = field.flags ?? { host: `${kebab(key)}-host`, port: `${kebab(key)}-port` };
  return [
    {
      names: [`--${host}`],
      value: 'HOST',
      help: `${field.help} (default 127.0.0.1)`,
      apply: (value) => {
        link().host = value;
      },
    },
    {
      names: [`--${port}`, ...(field.aliases ?? [])],
      value: 'N',
      help: `Its port (default ${field.defaultPort})`,
      apply: (value) => {
        link().port = readPort(value, `--${port}`);
      },
    },
    {
      names: [`--no-${kebab(key)}`],
      help: `Run without: ${field.label}`,
      apply: () => {
        links[key] = null;
      },
    },
  ];
}

function defaultLink(field: LinkField): Endpoint {
  return { host: '127.0.0.1', port: field.defaultPort };
}

function readValue(field: Exclude<Field, LinkField>, text: string, name: string): unknown {
  switch (field.control) {
    case 'port':
      return text === '0' ? 0 : readPort(text, name);
    case 'number': {
      const value = readNumber(text, field.unit);
      if (value === null) throw new UsageError(`${name} takes a number, not "${text}".`);
      if (value < field.min || value > field.max) {
        throw new UsageError(`${name} is between ${field.min} and ${field.max}, not ${text}.`);
      }
      return value;
    }
    case 'choice':
      if (!field.options.some((option) => option.value === text)) {
        const known = field.options.map((option) => option.value);
        const guess = nearest(text, known);
        throw new UsageError(
          `${name} is one of ${known.join(', ')}, not "${text}".${guess ? ` Did you mean ${guess}?` : ''}`,
        );
      }
      return text;
    case 'toggle':
      return text !== 'false';
    case 'links':
      return text.split(',').map((part) => {
        const endpoint = parseEndpoint(part);
        if (!endpoint)
          throw new UsageError(`${name} takes HOST:PORT,HOST:PORT …; "${part}" is not HOST:PORT.`);
        return endpoint;
      });
    case 'rows': {
      const { rows, problem } = rowsFromText(field, text);
      if (problem) throw new UsageError(`${name}: ${problem}`);
      return rows;
    }
    case 'folder':
    case 'text':
      return text;
  }
}

function readPort(text: string, name: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (port >= 1 && port <= 65_535) return port;
  throw new UsageError(`${name} takes a port between 1 and 65535, not "${text}".`);
}

const sizeUnits: Record<string, number> = { k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };

/** `1500`, and with a unit: `64K`, `1.5GiB` for bytes, `3s` for milliseconds. */
function readNumber(text: string, unit: string | undefined): number | null {
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text.trim());
  if (!match) return null;
  const number = Number(match[1]);
  const suffix = (match[2] ?? '').toLowerCase();
  if (suffix === '' || suffix === unit?.toLowerCase()) return number;
  if (unit === 'bytes') {
    const factor = /^[kmgt](?:i?b)?$/.test(suffix) ? sizeUnits[suffix.charAt(0)] : undefined;
    return factor ? Math.round(number * factor) : suffix === 'b' ? number : null;
  }
  if (unit === 'ms') return suffix === 's' ? number * 1000 : suffix === 'min' ? number * 60_000 : null;
  return null;
}

function finish(
  manifest: NodeManifest,
  values: Record<string, unknown>,
  links: Record<string, Endpoint | null>,
): Record<string, unknown> {
  const parsed = configSchema(manifest.fields).safeParse({ ...values, ...links });
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const label = manifest.fields[String(issue?.path[0])]?.label ?? '';
    throw new UsageError(`${label}: ${issue?.message ?? 'not valid'}`);
  }
  const config = { ...parsed.data };
  const fields: Fields = manifest.fields;
  for (const [key, field] of Object.entries(fields)) {
    if (field.control === 'link' && !(key in links)) config[key] = field.optional ? null : defaultLink(field);
    if (field.control === 'folder') config[key] = finishFolder(manifest, key, String(config[key]));
    if (field.control === 'text' && field.defaultFromName && config[key] === '') {
      config[key] = `${manifest.namePrefix}${firstPort(fields, config) || 1}`;
    }
  }
  return config;
}

function finishFolder(manifest: NodeManifest, key: string, path: string): string {
  const field = manifest.fields[key];
  const optional = field?.control === 'folder' && field.optional === true;
  if (path === '' && optional) return '';
  if (path === '' && key === manifest.filesField) {
    throw new UsageError(`--${field?.flag || kebab(key)} DIR is needed: the folder with the files.`);
  }
  return resolve(path);
}

function firstPort(fields: Fields, config: Record<string, unknown>): unknown {
  const entry = Object.entries(fields).find(([, field]) => field.control === 'port');
  return entry && config[entry[0]];
}

function placeholder(field: Exclude<Field, LinkField>): string {
  switch (field.control) {
    case 'port':
      return 'N';
    case 'number':
      return field.unit === 'bytes' ? 'SIZE' : field.unit === 'ms' ? 'MS' : 'N';
    case 'choice':
      return field.options.map((option) => option.value).join('|');
    case 'folder':
      return 'DIR';
    case 'links':
      return 'HOST:PORT,…';
    case 'rows':
      return `"${field.text.form}${field.text.separator}…"`;
    default:
      return 'TEXT';
  }
}

function helpOf(field: Exclude<Field, LinkField>): string {
  const { help } = field;
  if (['links', 'folder', 'rows'].includes(field.control) || !('default' in field)) return help;
  return field.default === '' ? help : `${help} (default ${String(field.default)})`;
}

/** `tcpPort` → `tcp-port` */
export function kebab(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** One line about where a node listens, for READY: `tcp=7001 udp=7002`. */
export function formatPorts(ports: Record<string, number>): string {
  return Object.entries(ports)
    .map(([name, port]) => `${name}=${port}`)
    .join(' ');
}
