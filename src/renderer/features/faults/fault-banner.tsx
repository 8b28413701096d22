/** How much is broken on purpose, what it is and where, and the way to heal all of it. Always in sight. */
import { Button, Menu, UnstyledButton } from '@mantine/core';
import { IconChevronDown, IconHeartbeat } from '@tabler/icons-react';
import type { FaultSpec } from '../../../contract/fault';
import { titleOf } from '../../../faults/describe';
import { peersOf } from '../../fault-links';
import { formatCount } from '../../format';
import { nameOf, pairKey } from '../../graph';
import { sameItems } from '../../store';
import { usePanel, useRun, useStudio } from '../../studio-context';
import { activeFaults } from '../../studio-store';
import css from './faults.module.css';

export function FaultBanner() {
  const run = useRun();
  const faults = useStudio(activeFaults, sameItems);
  if (faults.length === 0) return null;
  return (
    <div className={css.banner} role="status">
      <Menu position="bottom-end" width={320}>
        <Menu.Target>
          <UnstyledButton className={css.bannerCount} title="What is broken, and where">
            {formatCount(faults.length, 'active fault')} <IconChevronDown size={13} aria-hidden="true" />
          </UnstyledButton>
        </Menu.Target>
        <Menu.Dropdown aria-label="Active faults" className={css.bannerList ?? ''}>
          {faults.map((fault) => (
            <FaultLine key={fault.id} fault={fault} />
          ))}
        </Menu.Dropdown>
      </Menu>
      <Button
        size="compact-sm"
        color="orange"
        variant="filled"
        leftSection={<IconHeartbeat size={14} />}
        onClick={() => void run('faults.healAll', {})}
      >
        Heal all
      </Button>
    </div>
  );
}

/** Leads to where the fault can be changed: the link that it is on, else its node. */
function FaultLine({ fault }: { fault: FaultSpec }) {
  const panel = usePanel();
  const specs = useStudio((state) => state.specs);
  const [only, ...others] = peersOf(fault) ?? [];
  const where =
    only === undefined
      ? ''
      : others.length > 0
        ? ` → ${others.length + 1} nodes`
        : ` → ${nameOf(only, specs)}`;
  const show = (): void => {
    if (only !== undefined && others.length === 0) {
      panel.patch({ selection: [], selectedLink: pairKey(fault.node, only), inspectorOpen: true });
    } else {
      panel.show(fault.node);
      panel.openInspector('faults');
    }
  };
  return (
    <Menu.Item onClick={show}>
      <div>{titleOf(fault)}</div>
      <div className={css.hint}>
        {nameOf(fault.node, specs)}
        {where}
      </div>
    </Menu.Item>
  );
}
