/**
 * Settings described once, as plain data: label, help, limits, default. From a description come the panel's
 * form control, the command-line flag, the validator (`schema.ts`) and the type (`ConfigOf`). No zod here,
 * so that node programs, which must start fast, can share these descriptions.
 */
import type { Endpoint } from './endpoint';

interface FieldBase {
  label: string;
  /** One sentence under the control and in `--help`. */
  help: string;
  /** Command-line flag without dashes; default: the key in kebab-case. `false`: not on the command line. */
  flag?: string | false;
  /** Further spellings taken on the command line, dashes included: `-p`. */
  aliases?: string[];
  /** Shown under "Advanced" in the form. */
  advanced?: boolean;
  /** Takes effect in a running node: its operation `configure` is given the fields that have changed. */
  live?: boolean;
}

export interface PortField extends FieldBase {
  control: 'port';
  transport: 'tcp' | 'udp';
  /** The port's name in READY lines, links and `BoundPorts`. */
  port: string;
  default: number;
}
export interface NumberField extends FieldBase {
  control: 'number';
  default: number;
  min: number;
  max: number;
  step?: number;
  /** 'ms', 'bytes', '%', … */
  unit?: string;
}
export interface TextField extends FieldBase {
  control: 'text';
  default: string;
  /** A regular expression that the whole text must match. */
  pattern?: string;
  patternHint?: string;
  maxLength?: number;
  /** An empty value becomes the node's name (spaces removed) when the node is added. */
  defaultFromName?: boolean;
}
export interface ChoiceField<Value extends string = string> extends FieldBase {
  control: 'choice';
  default: Value;
  options: readonly { value: Value; label: string; help?: string }[];
}
export interface ToggleField extends FieldBase {
  control: 'toggle';
  default: boolean;
}
/** A folder on this machine. Empty: the workspace gives the node a folder of its own. */
export interface FolderField extends FieldBase {
  control: 'folder';
  default: string;
  /** On the command line empty means none, instead of the current folder. */
  optional?: boolean;
}
/** Where another node listens. In a workspace it may name a node; the program gets an address, or null. */
export interface LinkField extends FieldBase {
  control: 'link';
  /** Kinds that can be linked to. */
  to: readonly string[];
  /** Name of the port at the other node. */
  port: string;
  transport: 'tcp' | 'udp';
  /** What goes over the link, as the canvas labels it: 'registration', 'heartbeat', 'lookup'. */
  role: string;
  /** Port used on the command line when only a host is given, and in forms for outside addresses. */
  defaultPort: number;
  /** On the command line none, unless its address is given. */
  optional?: boolean;
  flags?: { host: string; port: string };
}
/** Several links of one sort. On the command line: `HOST:PORT,HOST:PORT`. */
export interface LinksField extends FieldBase {
  control: 'links';
  to: readonly string[];
  port: string;
  transport: 'tcp' | 'udp';
  role: string;
  /** Links are made by a person alone; without it, nodes that are added are linked to whatever there is. */
  byHand?: boolean;
}

/** A row of a short table: a text for each column. */
export type Row<Key extends string = string> = Record<Key, string>;

export interface RowColumn<Key extends string = string> {
  key: Key;
  label: string;
  placeholder?: string;
  /** A regular expression that the whole text must match. */
  pattern: string;
  patternHint: string;
  /** Values that are not taken, in lower case, whatever case they are written in. */
  refused?: { values: readonly string[]; hint: string };
}
/** A short table of texts. On the command line: its rows as one text. */
export interface RowsField<Key extends string = string> extends FieldBase {
  control: 'rows';
  default: readonly Row<Key>[];
  /** What a row is called: 'Rule'. */
  row: string;
  columns: readonly RowColumn<Key>[];
  maxRows: number;
  /** How a row is written: a pattern with a named group for each column, and the form in words. */
  text: { separator: string; pattern: string; form: string };
}

export type Field =
  | PortField
  | NumberField
  | TextField
  | ChoiceField
  | ToggleField
  | FolderField
  | LinkField
  | LinksField
  | RowsField;

export type Fields = Record<string, Field>;

/** What a node program receives: links resolved to addresses, folders to absolute paths. */
export type ConfigOf<F extends Fields> = { -readonly [K in keyof F]: ResolvedValue<F[K]> };

type ResolvedValue<F extends Field> = F extends PortField | NumberField
  ? number
  : F extends ChoiceField<infer Value>
    ? Value
    : F extends ToggleField
      ? boolean
      : F extends LinkField
        ? Endpoint | null
        : F extends LinksField
          ? Endpoint[]
          : F extends RowsField<infer Key>
            ? Row<Key>[]
            : string;

/** How a link stands in the saved workspace. */
export type LinkValue = { node: string } | Endpoint | null;

/** Every node listens on one address; all kinds share this description. */
export const hostField = {
  control: 'text',
  label: 'Address',
  help: 'The address to listen on. 127.0.0.1 keeps the node on this machine.',
  default: '127.0.0.1',
  flag: 'host',
  advanced: true,
} as const satisfies TextField;

/** The switch that turns tolerances and extensions off; `help` says what is refused then. */
export function strictField(help: string): ToggleField {
  return { control: 'toggle', label: 'Strict', help, default: false, advanced: true };
}

/** After how long, in milliseconds, a connection on which nothing moves is given up; `help` says which. */
export function idleField(help: string, defaultMs: number): NumberField {
  return {
    control: 'number',
    label: 'Idle time-out',
    help,
    default: defaultMs,
    min: 100,
    max: 600_000,
    unit: 'ms',
    advanced: true,
  };
}

/** How many clients an HTTP server has at a time. */
export const maxConnectionsField = {
  control: 'number',
  label: 'Connections',
  help: 'Clients at a time. Beyond, the connection that has been idle the longest is closed; with none idle, the new client is answered 503.',
  default: 4096,
  min: 1,
  max: 1_000_000,
  flag: 'max-connections',
  advanced: true,
} as const satisfies NumberField;
