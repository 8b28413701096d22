/** One setting of a fault. Sliders act while they are moved. */
import { NumberInput, Select, Slider, Switch, TextInput } from '@mantine/core';
import type { KeyboardEvent } from 'react';
import type { Field, NumberField } from '../../../contract/fields';
import css from './faults.module.css';
import { nextValue, positionOf, steps, valueAt } from './slider-scale';

const arrows: Record<string, 1 | -1> = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 };

interface Props<F extends Field = Field> {
  field: F;
  value: unknown;
  onChange: (value: unknown) => void;
}

export function FaultField({ field, value, onChange }: Props) {
  switch (field.control) {
    case 'number':
      return <NumberSetting field={field} value={value} onChange={onChange} />;
    case 'choice':
      return (
        <Select
          label={field.label}
          size="xs"
          value={String(value)}
          allowDeselect={false}
          data={field.options.map((option) => ({ value: option.value, label: option.label }))}
          description={field.options.find((option) => option.value === value)?.help ?? field.help}
          onChange={onChange}
        />
      );
    case 'toggle':
      return (
        <Switch
          label={field.label}
          checked={value === true}
          onChange={(event) => onChange(event.currentTarget.checked)}
        />
      );
    default:
      return (
        <TextInput
          label={field.label}
          description={field.help}
          size="xs"
          value={String(value ?? '')}
          onChange={(event) => onChange(event.currentTarget.value)}
        />
      );
  }
}

function NumberSetting({ field, value, onChange }: Props<NumberField>) {
  const number = typeof value === 'number' ? value : field.default;
  // The kit's own steps are so small that rounding takes many of them back.
  const onArrow = (event: KeyboardEvent): void => {
    const direction = arrows[event.key];
    if (!direction) return;
    event.preventDefault();
    event.stopPropagation();
    onChange(nextValue(number, direction, field));
  };
  return (
    <div className={css.number}>
      <NumberInput
        label={field.label}
        description={field.help}
        size="xs"
        value={number}
        min={field.min}
        max={field.max}
        clampBehavior="blur"
        thousandSeparator=" "
        suffix={field.unit ? ` ${field.unit}` : ''}
        onChange={(next) => typeof next === 'number' && inRange(next, field) && onChange(next)}
      />
      <div onKeyDownCapture={onArrow}>
        <Slider
          thumbLabel={`${field.label}, slider`}
          size="sm"
          min={0}
          max={steps}
          value={positionOf(number, field)}
          label={(position) => `${valueAt(position, field)}${field.unit ? ` ${field.unit}` : ''}`}
          onChange={(position) => onChange(valueAt(position, field))}
        />
      </div>
    </div>
  );
}

function inRange(value: number, { min, max }: NumberField): boolean {
  return value >= min && value <= max;
}
