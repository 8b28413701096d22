/** One fault, or the same one in several processes: what it does, its settings, whom and when, and the way to heal it. */
import { ActionIcon, Button, Collapse, SegmentedControl, Switch, Tooltip } from '@mantine/core';
import { IconArrowDown, IconArrowUp, IconHeartbeat } from '@tabler/icons-react';
import { useCallback, useState } from 'react';
import type { FaultSpec } from '../../../contract/fault';
import { faultCounters } from '../../../faults/counters';
import { badgeOf, narrowingOf, paramsOf } from '../../../faults/describe';
import { faultOf } from '../../../faults/registry';
import { duration, momentOf } from '../../../faults/schedule';
import { type FaultPlace, peersOf } from '../../fault-links';
import { formatCount } from '../../format';
import { nameOf } from '../../graph';
import { useStudio } from '../../studio-context';
import type { StudioState } from '../../studio-store';
import { useNow } from '../../ui/use-now';
import { FaultField } from './fault-field';
import { alignedWith, type FaultGroup } from './fault-groups';
import { Narrowing } from './fault-narrowing';
import css from './faults.module.css';
import { useFaultCommands } from './use-fault-commands';
import { useLiveFault } from './use-live-fault';

export function FaultCard({
  group,
  place,
  chain,
  index,
}: {
  group: FaultGroup;
  place: FaultPlace;
  /** All that is shown, in the order of the chain. */
  chain: readonly FaultGroup[];
  index: number;
}) {
  const commands = useFaultCommands();
  const send = useCallback(
    (leader: FaultSpec) => commands.set(group.map((one) => alignedWith(leader, one, place))),
    [commands, group, place],
  );
  const [fault, change] = useLiveFault(group[0], send);
  const [more, setMore] = useState(false);
  const definition = faultOf(fault.kind);
  const where = useWhere(group, place);
  const name = definition?.label ?? fault.kind;
  const params = definition ? paramsOf(definition, fault.params) : {};
  const setParam = (key: string, value: unknown): void => change({ params: { ...params, [key]: value } });
  const narrowed = narrowingOf(fault);
  return (
    <li className={css.card} data-off={!fault.enabled || undefined} aria-label={`${name} ${where}`}>
      <div className={css.top}>
        <Switch
          aria-label={`${name} acts`}
          checked={fault.enabled}
          onChange={(event) => change({ enabled: event.currentTarget.checked })}
        />
        <div className={css.title}>
          <strong>{name}</strong>
        </div>
        {chain.length > 1 && (
          <>
            <Tooltip label="Earlier in the chain">
              <ActionIcon
                size={22}
                aria-label={`Move ${name} up, ${where}`}
                disabled={index === 0}
                onClick={() => commands.move(chain, index, -1)}
              >
                <IconArrowUp size={13} />
              </ActionIcon>
            </Tooltip>
            <Tooltip label="Later in the chain">
              <ActionIcon
                size={22}
                aria-label={`Move ${name} down, ${where}`}
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
          aria-label={`Heal ${name}, ${where}`}
          onClick={() => commands.remove(group.map(({ id }) => id))}
        >
          Heal
        </Button>
      </div>
      <p className={css.where}>
        <span className={css.figure}>{badgeOf(fault)}</span> {where}
      </p>
      <p className={css.observe}>{definition?.observe ?? 'This kind of fault is not known here.'}</p>
      <Timing fault={group[0]} />
      <Effect group={group} />
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

/** 'CS1 → Monitor1' (the arrow leads from who opens the connections), 'Index1 ⇄ Monitor1', or the nodes. */
function useWhere(group: FaultGroup, place: FaultPlace): string {
  const specs = useStudio((state) => state.specs);
  const [{ node }] = group;
  const peers = peersOf(group[0]);
  const [first] = peers ?? [];
  const from =
    group.length <= 3 ? group.map((one) => nameOf(one.node, specs)).join(', ') : `${group.length} nodes`;
  if (!peers || first === undefined) return from;
  const to = peers.length === 1 ? nameOf(first, specs) : `${peers.length} nodes`;
  const [, opposite] = group;
  if (!('link' in place) || !opposite) return `${from} → ${to}`;
  const others = peers.length > 1 ? ', and others' : '';
  return `${nameOf(node, specs)} ⇄ ${nameOf(opposite.node, specs)}${others}`;
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

/** Of a fault with a schedule, as the core has it: whether it acts at this moment, and until when. */
function Timing({ fault: { schedule, since, enabled } }: { fault: FaultSpec }) {
  const isScheduled = enabled && schedule !== undefined && since !== undefined;
  const now = useNow(500, isScheduled);
  if (!isScheduled) return null;
  const { acts, strength, changesIn } = momentOf(schedule, now - since);
  const left = Number.isFinite(changesIn) ? duration(Math.ceil(changesIn / 1000) * 1000) : undefined;
  const text = acts
    ? strength < 1
      ? `Growing: ${Math.round(strength * 100)} % of what is set.`
      : `Acts now${left ? `, for ${left} more` : ''}.`
    : left
      ? `Does nothing now; begins in ${left}.`
      : 'Its time is over: it does nothing any more.';
  return (
    <p className={css.effect} role="timer">
      {text}
    </p>
  );
}

/** What it has done so far: '7 of 10 datagrams lost'. */
function Effect({ group }: { group: FaultGroup }) {
  const sum = (of: 'met' | 'lost') => (state: StudioState) =>
    group.reduce(
      (total, { id, node }) => total + (state.nodes.get(node)?.counters[faultCounters(id)[of]] ?? 0),
      0,
    );
  const met = useStudio(sum('met'));
  const lost = useStudio(sum('lost'));
  if (met === 0) return null;
  return (
    <p className={css.effect} role="status">
      {lost > 0
        ? `${lost.toLocaleString()} of ${formatCount(met, 'datagram')} lost so far.`
        : `${formatCount(met, 'datagram')} met so far.`}
    </p>
  );
}
