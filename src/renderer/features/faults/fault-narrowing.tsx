/** Whom a fault strikes, and when: transport, message types, the first N, every Nth, chance, schedule, seed. */
import { NumberInput, SegmentedControl, TagsInput } from '@mantine/core';
import { useState } from 'react';
import type { FaultPick, FaultSchedule, FaultSpec } from '../../../contract/fault';
import type { FaultDefinition } from '../../../faults/fault';
import css from './faults.module.css';

/** Message types that the protocols here have; others can be typed. */
const messageTypes = [
  'HEARTBEAT',
  'SERVER_DOWN',
  'LIST_SERVERS',
  'REGISTER',
  'ADD_FILE',
  'HELLO',
  'GET',
  'OK',
  'SERVER',
  'ERROR',
  'UPDATE',
  'CHECK',
  'FORWARD_PUT',
  'FORWARD_GET',
  'data',
];

export function Narrowing({
  fault,
  definition,
  onChange,
}: {
  fault: FaultSpec;
  definition: FaultDefinition;
  onChange: (change: Partial<FaultSpec>) => void;
}) {
  const { scope, pick, schedule } = fault;
  const isLink = !definition.targets.includes('node');
  const setPick = (part: Partial<FaultPick>): void => onChange({ pick: without({ ...pick, ...part }) });
  const setSchedule = (part: Partial<FaultSchedule>): void =>
    onChange({ schedule: without({ ...schedule, ...part }) });
  const seconds = (label: string, key: keyof FaultSchedule) => (
    <Figure
      label={label}
      suffix=" s"
      value={schedule?.[key] === undefined ? undefined : (schedule[key] as number) / 1000}
      onChange={(value) => setSchedule({ [key]: value === undefined ? undefined : value * 1000 })}
    />
  );
  return (
    <div className={css.narrowing}>
      {isLink && definition.targets.length > 1 && (
        <SegmentedControl
          size="xs"
          fullWidth
          aria-label="Transport"
          value={scope.transport ?? 'both'}
          data={[
            { value: 'both', label: 'TCP and UDP' },
            { value: 'tcp', label: 'TCP' },
            { value: 'udp', label: 'UDP' },
          ]}
          onChange={(value) => {
            const { transport: _, ...rest } = scope;
            onChange({ scope: value === 'both' ? rest : { ...rest, transport: value as 'tcp' | 'udp' } });
          }}
        />
      )}
      {isLink && (
        <>
          <TagsInput
            label="Only messages"
            description="By their first word; “data” is the content of files. None: everything."
            size="xs"
            data={messageTypes}
            value={scope.messages ?? []}
            maxTags={16}
            onChange={(messages) => onChange({ scope: { ...scope, messages } })}
          />
          <div className={css.grid}>
            <Figure
              label="Only the first"
              value={pick?.first}
              onChange={(first) => setPick({ first: whole(first) })}
            />
            <Figure
              label="Only every nth"
              value={pick?.every}
              onChange={(every) => setPick({ every: whole(every) })}
            />
            <Figure
              label="With chance"
              suffix=" %"
              max={100}
              value={pick?.probability === undefined ? undefined : pick.probability * 100}
              onChange={(percent) =>
                setPick({ probability: percent === undefined ? undefined : percent / 100 })
              }
            />
            <Figure label="Seed" value={fault.seed} onChange={(seed) => onChange({ seed: whole(seed) })} />
          </div>
        </>
      )}
      <div className={css.grid}>
        {seconds('Begins after', 'afterMs')}
        {seconds('Lasts', 'forMs')}
        {definition.ramps && seconds('Grows over', 'rampMs')}
        {seconds('On for', 'onMs')}
        {seconds('Off for', 'offMs')}
      </div>
    </div>
  );
}

/** Takes effect on Enter, or when it is left: who types 30 has not asked for 3. */
function Figure({
  label,
  value,
  suffix,
  max = 4_294_967_295,
  onChange,
}: {
  label: string;
  value: number | undefined;
  suffix?: string;
  max?: number;
  onChange: (value: number | undefined) => void;
}) {
  const [typed, setTyped] = useState<number | string | null>(null);
  const commit = (): void => {
    setTyped(null);
    if (typed === '') onChange(undefined);
    else if (typeof typed === 'number' && typed >= 0 && typed <= max) onChange(typed);
  };
  return (
    <NumberInput
      label={label}
      size="xs"
      min={0}
      max={max}
      hideControls
      value={typed ?? value ?? ''}
      placeholder="–"
      suffix={suffix ?? ''}
      onChange={setTyped}
      onBlur={commit}
      onKeyDown={(event) => event.key === 'Enter' && commit()}
    />
  );
}

function whole(value: number | undefined): number | undefined {
  return value === undefined ? undefined : Math.max(1, Math.round(value));
}

/** Nothing instead of an object full of nothing. */
function without<T extends object>(part: T): T | undefined {
  const entries = Object.entries(part).filter(([, value]) => value !== undefined);
  return entries.length > 0 ? (Object.fromEntries(entries) as T) : undefined;
}
