/** One fault: what it does, its settings, whom it strikes and when, and the way to heal it. */
import { ActionIcon, Button, Collapse, SegmentedControl, Switch, Tooltip } from '@mantine/core';
import { IconArrowDown, IconArrowUp, IconHeartbeat } from '@tabler/icons-react';
import { useState } from 'react';
import type { FaultSpec } from '../../../contract/fault';
import { faultCounters } from '../../../faults/counters';
import { badgeOf, narrowingOf, paramsOf } from '../../../faults/describe';
import { faultOf } from '../../../faults/registry';
import { peersOf } from '../../fault-links';
import { formatCount } from '../../format';
import { nameOf } from '../../graph';
import { useStudio } from '../../studio-context';
import { FaultField } from './fault-field';
import { Narrowing } from './fault-narrowing';
import css from './faults.module.css';
import { useFaultCommands } from './use-fault-commands';
import { useLiveFault } from './use-live-fault';

export function FaultCard({
  fault: saved,
  chain,
  index,
}: {
  fault: FaultSpec;
  /** All that is shown, in the order of the chain. */
  chain: readonly FaultSpec[];
  index: number;
}) {
  const commands = useFaultCommands();
  const [fault, change] = useLiveFault(saved, commands.set);
  const [more, setMore] = useState(false);
  const definition = faultOf(fault.kind);
  const place = usePlace(fault);
  const name = definition?.label ?? fault.kind;
  const params = definition ? paramsOf(definition, fault.params) : {};
  const setParam = (key: string, value: unknown): void => change({ params: { ...params, [key]: value } });
  const narrowed = narrowingOf(fault);
  return (
    <li className={css.card} data-off={!fault.enabled || undefined} aria-label={`${name} ${place}`}>
      <div className={css.top}>
        <Switch
          aria-label={`${name} acts`}
          checked={fault.enabled}
          onChange={(event) => change({ enabled: event.currentTarget.checked })}
        />
        <div className={css.title}>
          <strong>{name}</strong>
          <span className={css.place}>{place}</span>
        </div>
        <span className={css.figure}>{badgeOf(fault)}</span>
        {chain.length > 1 && (
          <>
            <Tooltip label="Earlier in the chain">
              <ActionIcon
                size={22}
                aria-label={`Move ${name} up`}
                disabled={index === 0}
                onClick={() => commands.move(chain, index, -1)}
              >
                <IconArrowUp size={13} />
              </ActionIcon>
            </Tooltip>
            <Tooltip label="Later in the chain">
              <ActionIcon
                size={22}
                aria-label={`Move ${name} down`}
                disabled={index === chain.length - 1}
                onClick={() => commands.move(chain, index, 1)}
              >
                <IconArrowDown size={13} />
              </ActionIcon>
            </Tooltip>
          </>
        )}
        <Button
          size="compact-xs"
          leftSection={<IconHeartbeat size={13} />}
          aria-label={`Heal ${name}`}
          onClick={() => commands.remove([fault.id])}
        >
          Heal
        </Button>
      </div>
      <p className={css.observe}>{definition?.observe ?? 'This kind of fault is not known here.'}</p>
      <Effect fault={fault} />
      {definition && (
        <div className={css.settings}>
          {!definition.targets.includes('node') && !definition.bothWays && (
            <Direction fault={fault} onChange={change} />
          )}
          {Object.entries(definition.fields).map(([key, field]) => (
            <FaultField
              key={key}
              field={field}
              value={params[key]}
              onChange={(value) => setParam(key, value)}
            />
          ))}
          <Button
            size="compact-xs"
            variant="subtle"
            color="gray"
            aria-expanded={more}
            onClick={() => setMore(!more)}
          >
            {more ? 'Less' : narrowed ? `Narrowed: ${narrowed}` : 'Whom and when…'}
          </Button>
          <Collapse expanded={more}>
            <Narrowing fault={fault} definition={definition} onChange={change} />
          </Collapse>
        </div>
      )}
    </li>
  );
}

/** 'CS1 → Monitor1', or the node. */
function usePlace(fault: FaultSpec): string {
  const specs = useStudio((state) => state.specs);
  const peers = peersOf(fault);
  const node = nameOf(fault.node, specs);
  const [first] = peers ?? [];
  if (!peers) return node;
  return `${node} → ${peers.length === 1 && first !== undefined ? nameOf(first, specs) : `${peers.length} nodes`}`;
}

function Direction({
  fault,
  onChange,
}: {
  fault: FaultSpec;
  onChange: (change: Partial<FaultSpec>) => void;
}) {
  const specs = useStudio((state) => state.specs);
  const peer = peersOf(fault)?.[0];
  const other = peer === undefined ? 'others' : nameOf(peer, specs);
  return (
    <SegmentedControl
      size="xs"
      fullWidth
      aria-label="Direction"
      value={fault.scope.direction ?? 'both'}
      data={[
        { value: 'both', label: 'Both ways' },
        { value: 'out', label: `To ${other}` },
        { value: 'in', label: `From ${other}` },
      ]}
      onChange={(value) => {
        const { direction: _, ...scope } = fault.scope;
        onChange({ scope: value === 'both' ? scope : { ...scope, direction: value as 'in' | 'out' } });
      }}
    />
  );
}

/** What it has done so far: '7 of 10 datagrams lost'. */
function Effect({ fault }: { fault: FaultSpec }) {
  const names = faultCounters(fault.id);
  const met = useStudio((state) => state.nodes.get(fault.node)?.counters[names.met] ?? 0);
  const lost = useStudio((state) => state.nodes.get(fault.node)?.counters[names.lost] ?? 0);
  if (met === 0) return null;
  return (
    <p className={css.effect} role="status">
      {lost > 0
        ? `${lost.toLocaleString()} of ${formatCount(met, 'datagram')} lost so far.`
        : `${formatCount(met, 'datagram')} met so far.`}
    </p>
  );
}
