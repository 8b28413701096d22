/** An address as a node of the workspace has it; a link to that node. */
import { hostField } from '../../../../contract/fields';
import type { NodeSpec } from '../../../../contract/workspace';
import { manifestOf } from '../../../../nodes/manifests';
import { usePanel, useStudio } from '../../../studio-context';
import type { StudioState } from '../../../studio-store';
import css from './server-list.module.css';

export function NodeAtAddress({ address }: { address: string }) {
  const panel = usePanel();
  const node = useStudio((state) => nodeAt(state, address));
  const name = useStudio((state) => (node ? state.specs.get(node)?.name : undefined));
  return node ? (
    <button type="button" className={css.name} title={address} onClick={() => panel.show(node)}>
      {name}
    </button>
  ) : (
    <span className={`${css.name} mono`}>{address}</span>
  );
}

/** The node that listens there, or that would if it ran: one that was killed keeps its name. */
function nodeAt({ nodes, specs }: StudioState, address: string): string | undefined {
  const cut = address.lastIndexOf(':');
  const [host, port] = [address.slice(0, cut), Number(address.slice(cut + 1))];
  const here = [...specs.values()].filter(({ config }) => (config.host ?? hostField.default) === host);
  const bound = here.find(({ id }) => Object.values(nodes.get(id)?.ports ?? {}).includes(port));
  return (bound ?? here.find((spec) => configuredPorts(spec).includes(port)))?.id;
}

function configuredPorts({ kind, config }: NodeSpec): number[] {
  return Object.entries(manifestOf(kind)?.fields ?? {}).flatMap(([key, field]) =>
    field.control === 'port' ? [Number(config[key] ?? field.default)] : [],
  );
}
