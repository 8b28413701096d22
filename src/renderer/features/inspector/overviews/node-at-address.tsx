/** An address as a node of the workspace has it; a link to that node. */
import { parseEndpoint } from '../../../../contract/endpoint';
import { nodeAt } from '../../../listening';
import { usePanel, useStudio } from '../../../studio-context';
import css from './server-list.module.css';

export function NodeAtAddress({ address }: { address: string }) {
  const panel = usePanel();
  const node = useStudio(({ specs, nodes }) => {
    const endpoint = parseEndpoint(address);
    return endpoint && nodeAt(endpoint, specs.values(), (id) => nodes.get(id)?.ports ?? {});
  });
  return node ? (
    <button type="button" className={css.name} title={address} onClick={() => panel.show(node.id)}>
      {node.name}
    </button>
  ) : (
    <span className={`${css.name} mono`}>{address}</span>
  );
}
