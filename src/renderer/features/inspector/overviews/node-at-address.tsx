/** An address as a node of the workspace has it; a link to that node. */
import { usePanel, useStudio } from '../../../studio-context';
import css from './server-list.module.css';

export function NodeAtAddress({ address }: { address: string }) {
  const panel = usePanel();
  const node = useStudio((state) => {
    const cut = address.lastIndexOf(':');
    const [host, port] = [address.slice(0, cut), Number(address.slice(cut + 1))];
    for (const view of state.nodes.values()) {
      const spec = state.specs.get(view.id);
      if (spec && spec.config.host === host && Object.values(view.ports).includes(port)) return view.id;
    }
    return undefined;
  });
  const name = useStudio((state) => (node ? state.specs.get(node)?.name : undefined));
  return node ? (
    <button type="button" className={css.name} title={address} onClick={() => panel.show(node)}>
      {name}
    </button>
  ) : (
    <span className={`${css.name} mono`}>{address}</span>
  );
}
