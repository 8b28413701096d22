/** A node's settings being edited: what differs, what is wrong, what would be saved. Pure. */

import { z } from 'zod';
import { formatEndpoint, parseEndpoint } from '../../../contract/endpoint';
import type { Field, Fields, LinkValue } from '../../../contract/fields';
import { rowsFromText } from '../../../contract/rows';
import { fieldSchema } from '../../../contract/schema';
import type { NodeSpec } from '../../../contract/workspace';
import { manifestOf } from '../../../nodes/manifests';
import type { Draft } from '../../panel-state';

// The content security policy forbids compiled validators; without this, zod tries one and the browser reports it.
z.config({ jitless: true });

export function savedValue(key: string, field: Field, config: Record<string, unknown>): unknown {
  const saved = config[key];
  // A workspace of a former version may have a table as one text.
  if (field.control === 'rows' && typeof saved === 'string') return rowsFromText(field, saved).rows;
  if (key in config) return saved;
  if ('default' in field) return field.default;
  return field.control === 'links' ? [] : null;
}

export function shownValue(
  key: string,
  field: Field,
  config: Record<string, unknown>,
  draft: Draft,
): unknown {
  return key in draft ? draft[key] : savedValue(key, field, config);
}

/** The draft after one edit; a field set back to what is saved is no edit. */
export function edited(
  draft: Draft,
  key: string,
  value: unknown,
  field: Field,
  config: Record<string, unknown>,
): Draft {
  const { [key]: _former, ...others } = draft;
  return sameValue(value, savedValue(key, field, config)) ? others : { ...others, [key]: value };
}

function sameValue(a: unknown, b: unknown): boolean {
  return Object.is(a, b) || JSON.stringify(a) === JSON.stringify(b);
}

/** Messages by field, for the fields that were edited. */
export function problemsOf(fields: Fields, draft: Draft): Record<string, string> {
  const problems: Record<string, string> = {};
  for (const [key, value] of Object.entries(draft)) {
    const field = fields[key];
    if (!field) continue;
    const problem = problemOf(field, value);
    if (problem) problems[key] = problem;
  }
  return problems;
}

function problemOf(field: Field, value: unknown): string | undefined {
  if (field.control === 'number' && typeof value === 'number' && (value < field.min || value > field.max))
    return `Between ${field.min.toLocaleString()} and ${field.max.toLocaleString()}${field.unit ? ` ${field.unit}` : ''}.`;
  if ((field.control === 'number' || field.control === 'port') && typeof value !== 'number')
    return 'A number is needed.';
  if (isUnfinishedAddress(value)) return 'An address is written host:port, for example 127.0.0.1:5050.';
  const result = fieldSchema(field).safeParse(value);
  return result.success ? undefined : (result.error.issues[0]?.message ?? 'This value is not possible.');
}

/** An outside address while it is typed and does not parse yet. */
export interface UnfinishedAddress {
  typed: string;
}

export function isUnfinishedAddress(value: unknown): value is UnfinishedAddress {
  return typeof value === 'object' && value !== null && 'typed' in value;
}

export function addressFromText(text: string, defaultPort?: number): LinkValue | UnfinishedAddress {
  return parseEndpoint(text, defaultPort) ?? { typed: text };
}

export function addressText(value: unknown): string {
  if (isUnfinishedAddress(value)) return value.typed;
  const link = value as LinkValue | undefined;
  return link && 'host' in link ? formatEndpoint(link) : '';
}

/** What an address field shows: the text as it was typed while it says the value, else the value's own. */
export function shownAddress(typed: string, value: unknown, defaultPort?: number): string {
  return sameValue(addressFromText(typed, defaultPort), value) ? typed : addressText(value);
}

/** Nodes that a link field may name. */
export function linkTargets(
  field: { to: readonly string[] },
  specs: Iterable<NodeSpec>,
  self: string,
): NodeSpec[] {
  return [...specs]
    .filter((spec) => spec.id !== self && (field.to.includes(spec.kind) || manifestOf(spec.kind)?.standsIn))
    .sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));
}
