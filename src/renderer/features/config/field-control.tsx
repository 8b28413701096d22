/** One control for each sort of field. */
import { Anchor, Button, NumberInput, Select, Switch, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type {
  ChoiceField,
  Field,
  LinkField,
  LinksField,
  LinkValue,
  NumberField,
  PortField,
  RowsField,
} from '../../../contract/fields';
import { formatBytes } from '../../format';
import { nameOf } from '../../graph';
import { isAlive } from '../../node-state';
import { portUser } from '../../port-claims';
import { useNodeState, useRun, useStudio, useStudioParts } from '../../studio-context';
import css from './config.module.css';
import {
  addressFromText,
  addressText,
  isUnfinishedAddress,
  linkTargets,
  savedValue,
  shownAddress,
} from './form-model';
import { RowsControl } from './rows-control';

export interface ControlProps<F extends Field = Field> {
  id: string;
  field: F;
  node: string;
  config: Record<string, unknown>;
  value: unknown;
  problem: string | undefined;
  isEdited: boolean;
  onChange: (value: unknown) => void;
}

export function FieldControl(props: ControlProps) {
  const { field, value, problem, isEdited, onChange } = props;
  const common = {
    label: field.label,
    description: field.help,
    error: problem,
    className: isEdited ? (css.edited ?? '') : '',
  };
  switch (field.control) {
    case 'port':
      return <PortControl {...(props as ControlProps<PortField>)} />;
    case 'number':
      return (
        <NumberInput
          {...common}
          description={helpOfNumber(field, value)}
          value={typeof value === 'number' ? value : ''}
          onChange={(next) => onChange(next === '' ? undefined : next)}
          step={field.step ?? 1}
          suffix={field.unit ? ` ${field.unit}` : ''}
          allowDecimal={field.step !== undefined && !Number.isInteger(field.step)}
          thousandSeparator=" "
          min={field.min}
          max={field.max}
          clampBehavior="none"
        />
      );
    case 'text':
      return (
        <TextInput
          {...common}
          value={String(value ?? '')}
          spellCheck={false}
          onChange={(event) => onChange(event.currentTarget.value)}
        />
      );
    case 'choice':
      return (
        <Select
          {...common}
          description={helpOfChoice(field, value)}
          value={String(value)}
          allowDeselect={false}
          data={field.options.map((option) => ({ value: option.value, label: option.label }))}
          onChange={onChange}
        />
      );
    case 'toggle':
      return (
        <Switch
          {...common}
          checked={value === true}
          onChange={(event) => onChange(event.currentTarget.checked)}
        />
      );
    case 'folder':
      return <FolderControl {...props} />;
    case 'link':
      return <LinkControl {...(props as ControlProps<LinkField>)} />;
    case 'links':
      return <LinksControl {...(props as ControlProps<LinksField>)} />;
    case 'rows':
      return <RowsControl {...(props as ControlProps<RowsField>)} />;
  }
}

/** Nobody reads 67 108 864 bytes. */
function helpOfNumber({ unit, help }: NumberField, value: unknown): string {
  const isLong = unit === 'bytes' && typeof value === 'number' && value >= 1024;
  return isLong ? `${help} That is ${formatBytes(value)}.` : help;
}

function helpOfChoice(field: ChoiceField, value: unknown): string {
  return field.options.find((option) => option.value === value)?.help ?? field.help;
}

/** Says at once when a port is taken, by whom, and which is free. */
function PortControl({
  id,
  field,
  node,
  config,
  value,
  problem,
  isEdited,
  onChange,
}: ControlProps<PortField>) {
  const { client } = useStudioParts();
  const specs = useStudio((state) => state.specs);
  const state = useNodeState(node);
  const port = typeof value === 'number' ? value : 0;
  const [checked] = useDebouncedValue(port, 250);
  const host = String(config.host ?? '127.0.0.1');
  const user =
    port > 0 ? portUser({ host, transport: field.transport, port }, specs.values(), node) : undefined;
  // The port that the node itself holds is not free, and that is as it should be.
  const isOwn = isAlive(state) && savedValue(id, field, config) === port;
  const check = useQuery({
    queryKey: ['port', host, checked, field.transport, state, node],
    queryFn: () =>
      client.transport.call('ports.check', { host, port: checked, transport: field.transport, node }),
    enabled: checked > 0 && checked <= 65_535 && !isOwn && !problem,
    staleTime: 3000,
    retry: false,
  });
  const taken = check.data && !check.data.free && checked === port && !isOwn;
  const holder = user ? user.name : taken ? (check.data?.holder ?? 'another program') : null;
  const nextFree = check.data?.nextFree;
  return (
    <div>
      <NumberInput
        label={field.label}
        description={field.help}
        error={problem}
        className={isEdited ? (css.edited ?? '') : ''}
        value={typeof value === 'number' ? value : ''}
        onChange={(next) => onChange(next === '' ? undefined : next)}
        allowDecimal={false}
        allowNegative={false}
        hideControls
        rightSection={<span className={css.transport}>{field.transport.toUpperCase()}</span>}
        rightSectionWidth={44}
      />
      {holder && !isOwn && (
        <div className={css.conflict} role="status">
          <span>
            {port} is {user ? `also the port of ${holder}` : `in use by ${holder}`}.
          </span>
          {nextFree !== undefined && (
            <Anchor component="button" type="button" inherit onClick={() => onChange(nextFree)}>
              Use {nextFree}
            </Anchor>
          )}
        </div>
      )}
    </div>
  );
}

function FolderControl({ field, value, problem, isEdited, onChange }: ControlProps) {
  const run = useRun();
  const paths = useStudio((state) => state.shell.paths);
  return (
    <TextInput
      label={field.label}
      description={field.help}
      error={problem}
      className={isEdited ? (css.edited ?? '') : ''}
      value={String(value ?? '')}
      spellCheck={false}
      placeholder="A folder of the workspace"
      onChange={(event) => onChange(event.currentTarget.value)}
      rightSectionWidth={paths ? 70 : 0}
      rightSection={
        paths ? (
          <Button
            size="compact-xs"
            onClick={() =>
              void run('shell.choose', { what: 'folder', title: field.label }).then((chosen) => {
                if (chosen?.[0]) onChange(chosen[0]);
              })
            }
          >
            Choose…
          </Button>
        ) : null
      }
    />
  );
}

const nowhere = 'none';
const outside = 'outside';

function LinkControl({ field, node, value, problem, isEdited, onChange }: ControlProps<LinkField>) {
  const specs = useStudio((state) => state.specs);
  const targets = linkTargets(field, specs.values(), node);
  const link = value as LinkValue | undefined;
  const named = link && 'node' in link ? link.node : undefined;
  const isAddress = isUnfinishedAddress(value) || (link !== null && link !== undefined && 'host' in link);
  const missing = named !== undefined && !targets.some((target) => target.id === named);
  return (
    <div>
      <Select
        label={field.label}
        description={field.help}
        error={
          missing
            ? `${nameOf(named, specs)} is not in this workspace any more.`
            : isAddress
              ? undefined
              : problem
        }
        className={isEdited ? (css.edited ?? '') : ''}
        value={named ?? (isAddress ? outside : nowhere)}
        allowDeselect={false}
        searchable={targets.length > 8}
        data={[
          { value: nowhere, label: 'None' },
          ...targets.map((target) => ({ value: target.id, label: target.name })),
          ...(missing ? [{ value: named, label: named }] : []),
          { value: outside, label: 'Another address…' },
        ]}
        onChange={(next) => {
          if (next === nowhere) onChange(null);
          else if (next === outside) onChange({ host: '127.0.0.1', port: field.defaultPort });
          else if (next) onChange({ node: next });
        }}
      />
      {isAddress && (
        <AddressInput
          label={`Address of the ${field.label.toLowerCase()}`}
          defaultPort={field.defaultPort}
          value={value}
          problem={problem}
          onChange={onChange}
        />
      )}
    </div>
  );
}

function AddressInput({
  label,
  defaultPort,
  value,
  problem,
  onChange,
}: {
  label: string;
  defaultPort?: number;
  value: unknown;
  problem: string | undefined;
  onChange: (value: unknown) => void;
}) {
  const [typed, setTyped] = useState('');
  return (
    <TextInput
      mt={6}
      aria-label={label}
      placeholder={`127.0.0.1:${defaultPort ?? 5050}`}
      value={shownAddress(typed, value, defaultPort)}
      error={problem}
      spellCheck={false}
      onChange={(event) => {
        setTyped(event.currentTarget.value);
        onChange(addressFromText(event.currentTarget.value, defaultPort));
      }}
    />
  );
}

/** Several links: one line each for nodes of the workspace and outside addresses. */
function LinksControl({ field, node, value, problem, isEdited, onChange }: ControlProps<LinksField>) {
  const specs = useStudio((state) => state.specs);
  const links = (Array.isArray(value) ? value : []) as LinkValue[];
  const free = linkTargets(field, specs.values(), node).filter(
    (target) => !links.some((link) => link && 'node' in link && link.node === target.id),
  );
  const replace = (index: number, link: unknown): void =>
    onChange(links.map((old, i) => (i === index ? link : old)));
  return (
    <fieldset className={css.links}>
      <legend className={isEdited ? css.edited : undefined}>{field.label}</legend>
      <p className={css.note}>{field.help}</p>
      {links.map((link, i) => {
        const name = link && 'node' in link ? nameOf(link.node, specs) : addressText(link);
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: equal addresses may stand in the list twice.
          <div key={i} className={css.linkLine}>
            {link && 'node' in link ? (
              <span>{name}</span>
            ) : (
              <AddressInput
                label={`Address ${i + 1}`}
                value={link}
                problem={undefined}
                onChange={(next) => replace(i, next)}
              />
            )}
            <Button
              size="compact-xs"
              aria-label={`Remove ${name}`}
              onClick={() => onChange(links.filter((_, j) => j !== i))}
            >
              Remove
            </Button>
          </div>
        );
      })}
      <Select
        aria-label={`Add to ${field.label}`}
        placeholder="Add…"
        value={null}
        data={[
          ...free.map((target) => ({ value: target.id, label: target.name })),
          { value: outside, label: 'Another address…' },
        ]}
        onChange={(next) => {
          if (next)
            onChange([...links, next === outside ? { host: '127.0.0.1', port: 8000 } : { node: next }]);
        }}
      />
      {problem && <p className={css.conflict}>{problem}</p>}
    </fieldset>
  );
}
