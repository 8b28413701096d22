/** The menus of nodes and of the empty canvas. */
import { Menu } from '@mantine/core';
import {
  IconCopy,
  IconDownload,
  IconFilePlus,
  IconPencil,
  IconPlus,
  IconSelectAll,
  IconTrash,
} from '@tabler/icons-react';
import type { ComponentType } from 'react';
import { manifestOf, manifests } from '../../../nodes/manifests';
import { breakableLink, type FaultPlace, relayOn, relayPlace } from '../../fault-links';
import { formatCount } from '../../format';
import { nameOf } from '../../graph';
import type { Point } from '../../layout';
import { nodeActions, useNodeCommands } from '../../node-actions';
import { isPossible, stateIn } from '../../node-state';
import { useRelayCommands } from '../../relay-actions';
import { usePanel, useStudio } from '../../studio-context';
import { ContextMenu, type MenuPoint } from '../../ui/context-menu';
import { KindIcon } from '../../ui/kind-icon';

export interface MenuTarget {
  at: MenuPoint;
  /** Empty: the menu of the canvas itself. */
  nodes: readonly string[];
  /** The link under the pointer. */
  link?: string;
  /** Where a new node, or a relay on the link, would go. */
  place?: Point;
}

/** The part of a menu that breaks and heals what it is for. */
export type BreakItems = ComponentType<{ place: FaultPlace }>;

interface MenuProps {
  target: MenuTarget;
  onClose: () => void;
}

export function TopologyMenu({ breakItems, ...props }: MenuProps & { breakItems: BreakItems }) {
  const { nodes, link } = props.target;
  if (nodes.length > 0) return <NodeMenu {...props} breakItems={breakItems} />;
  if (link !== undefined) return <LinkMenu {...props} link={link} breakItems={breakItems} />;
  return <PaneMenu {...props} />;
}

function LinkMenu({
  target: { at, place },
  onClose,
  link,
  breakItems: Break,
}: MenuProps & { link: string; breakItems: BreakItems }) {
  const specs = useStudio((state) => state.specs);
  const relays = useRelayCommands();
  const breakable = useStudio((state) => breakableLink(link, state));
  const isRelayable = useStudio((state) => relayPlace(link, state) !== undefined);
  const relay = relayOn(link, specs);
  const [a = '', b = ''] = link.split(' ');
  const title = `${nameOf(a, specs)} – ${nameOf(b, specs)}`;
  return (
    <ContextMenu at={at} label={`Actions for the link ${title}`} onClose={onClose}>
      <Menu.Label>{title}</Menu.Label>
      {breakable && <Break place={{ link: breakable }} />}
      {isRelayable && (
        <Menu.Item
          leftSection={<KindIcon kind="relay" size={18} />}
          onClick={() => void relays.insert(link, place)}
        >
          Put a relay on this link
        </Menu.Item>
      )}
      {relay && (
        <Menu.Item
          leftSection={<IconTrash size={15} stroke={1.75} />}
          onClick={() => relays.remove(relay.id)}
        >
          Remove relay
        </Menu.Item>
      )}
    </ContextMenu>
  );
}

function NodeMenu({
  target: { at, nodes: ids },
  onClose,
  breakItems: Break,
}: MenuProps & { breakItems: BreakItems }) {
  const commands = useNodeCommands();
  const panel = usePanel();
  const nodes = useStudio((state) => state.nodes);
  const hung = useStudio((state) => state.hung);
  const specs = useStudio((state) => state.specs);
  const known = ids.filter((id) => specs.has(id));
  const [only] = known.length === 1 ? known : [];
  const spec = only ? specs.get(only) : undefined;
  const manifest = spec && manifestOf(spec.kind);
  const states = known.map((id) => stateIn({ nodes, hung }, id));
  const offered = nodeActions.filter((action) => states.some((state) => isPossible(action.id, state)));
  const title = spec?.name ?? formatCount(known.length, 'node');

  return (
    <ContextMenu at={at} label={`Actions for ${title}`} onClose={onClose}>
      <Menu.Label>{title}</Menu.Label>
      {offered.map(({ id, label, key, icon: Icon, dangerous }) => (
        <Menu.Item
          key={id}
          leftSection={<Icon size={15} stroke={1.75} />}
          rightSection={<Shortcut text={key.toUpperCase()} />}
          {...(dangerous ? { color: 'var(--bad)' } : {})}
          onClick={() => commands.act(id, known)}
        >
          {label}
        </Menu.Item>
      ))}
      {known.length > 0 && <Break place={{ nodes: known }} />}
      <Menu.Divider />
      {only && manifest?.downloads && (
        <Menu.Item
          leftSection={<IconDownload size={15} stroke={1.75} />}
          onClick={() => panel.open({ kind: 'download', client: only })}
        >
          Download a file…
        </Menu.Item>
      )}
      {only && manifest?.filesField && (
        <Menu.Item
          leftSection={<IconFilePlus size={15} stroke={1.75} />}
          onClick={() => {
            panel.show(only);
            panel.openInspector('files');
          }}
        >
          Files…
        </Menu.Item>
      )}
      {only && (
        <Menu.Item
          leftSection={<IconPencil size={15} stroke={1.75} />}
          rightSection={<Shortcut text="F2" />}
          onClick={() => panel.open({ kind: 'rename-node', node: only })}
        >
          Rename…
        </Menu.Item>
      )}
      <Menu.Item
        leftSection={<IconCopy size={15} stroke={1.75} />}
        rightSection={<Shortcut text="Ctrl D" />}
        onClick={() => void commands.duplicate(known)}
      >
        Duplicate
      </Menu.Item>
      <Menu.Item
        leftSection={<IconTrash size={15} stroke={1.75} />}
        rightSection={<Shortcut text="Del" />}
        onClick={() => void commands.remove(known)}
      >
        Delete
      </Menu.Item>
    </ContextMenu>
  );
}

function PaneMenu({ target: { at, place }, onClose }: MenuProps) {
  const commands = useNodeCommands();
  const panel = usePanel();
  const nodes = useStudio((state) => state.workspace.document.nodes);
  return (
    <ContextMenu at={at} label="Actions for the canvas" onClose={onClose}>
      <Menu.Label>Add here</Menu.Label>
      {manifests.map((manifest) => (
        <Menu.Item
          key={manifest.id}
          leftSection={<KindIcon kind={manifest.id} size={20} />}
          rightSection={<IconPlus size={13} />}
          onClick={() => void commands.add(manifest.id, place)}
        >
          {manifest.label}
        </Menu.Item>
      ))}
      <Menu.Divider />
      <Menu.Item
        leftSection={<IconSelectAll size={15} stroke={1.75} />}
        rightSection={<Shortcut text="Ctrl A" />}
        disabled={nodes.length === 0}
        onClick={() => panel.select(nodes.map((node) => node.id))}
      >
        Select all
      </Menu.Item>
    </ContextMenu>
  );
}

function Shortcut({ text }: { text: string }) {
  return (
    <span aria-hidden="true" style={{ fontSize: 11, color: 'var(--ink-3)' }}>
      {text}
    </span>
  );
}
