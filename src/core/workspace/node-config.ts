/** Checks the stored configuration of a node, in words that a person understands. */
import { StudioError } from '../../contract/errors';
import type { Field } from '../../contract/fields';
import type { NodeManifest } from '../../contract/manifest';
import { configSchema } from '../../contract/schema';
import type { NodeSpec, Workspace } from '../../contract/workspace';
import { manifestOf } from '../../nodes/manifests';

/**
 * The configuration with every field present.
 * @throws StudioError of code 'BAD_CONFIG' that names the field by its label
 */
export function parseConfig(
  manifest: NodeManifest,
  config: Record<string, unknown>,
): Record<string, unknown> {
  const parsed = configSchema(manifest.fields).safeParse(config);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const key = String(issue?.path[0] ?? '');
  const label = manifest.fields[key]?.label ?? manifest.label;
  throw new StudioError(
    'BAD_CONFIG',
    `${label}: ${issue?.message ?? 'not valid'}`,
    manifest.fields[key]?.help,
  );
}

/** Like `parseConfig`, for a file that another version may have written: fields unknown here are left out. */
export function parseSavedConfig(
  manifest: NodeManifest,
  config: Record<string, unknown>,
): Record<string, unknown> {
  return parseConfig(manifest, knownFields(manifest, config));
}

function knownFields(manifest: NodeManifest, config: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(config).filter(([key]) => key in manifest.fields));
}

/** The stored configuration of a node with a change, checked; stored fields that are unknown here are left out. */
export function changedConfig(
  document: Workspace,
  node: NodeSpec,
  change: Record<string, unknown>,
): Record<string, unknown> {
  const manifest = manifestOf(node.kind);
  const stored = manifest ? knownFields(manifest, node.config) : node.config;
  return checkedConfig(document, node, { ...stored, ...change });
}

/** Like `parseConfig`, and every link leads to a node of a kind that the field takes. */
export function checkedConfig(
  document: Workspace,
  node: Pick<NodeSpec, 'kind' | 'name'>,
  config: Record<string, unknown>,
): Record<string, unknown> {
  const manifest = manifestOf(node.kind);
  if (!manifest)
    throw new StudioError(
      'UNKNOWN_KIND',
      `${node.name} is of a kind that this version does not know ("${node.kind}").`,
      'Open the workspace with the version that made it.',
    );
  const parsed = parseConfig(manifest, config);
  for (const [key, field] of Object.entries(manifest.fields)) {
    for (const target of linkedNodes(field, parsed[key])) refuseWrongTarget(document, field, target);
  }
  return parsed;
}

/** Ids of the nodes that a link or list of links names. */
export function linkedNodes(field: Field, value: unknown): string[] {
  if (field.control !== 'link' && field.control !== 'links') return [];
  const values: unknown[] = field.control === 'links' && Array.isArray(value) ? value : [value];
  return values.flatMap((link) =>
    typeof link === 'object' && link !== null && 'node' in link ? [String(link.node)] : [],
  );
}

function refuseWrongTarget(document: Workspace, field: Field, id: string): void {
  if (field.control !== 'link' && field.control !== 'links') return;
  const target = document.nodes.find((node) => node.id === id);
  if (target && (field.to.includes(target.kind) || manifestOf(target.kind)?.standsIn)) return;
  const wanted = field.to.map((kind) => manifestOf(kind)?.label ?? kind).join(' or ');
  throw new StudioError(
    'BAD_CONFIG',
    target
      ? `${field.label}: ${target.name} is not one of: ${wanted}.`
      : `${field.label}: there is no node "${id}".`,
    `Choose a node of this sort: ${wanted}.`,
  );
}
