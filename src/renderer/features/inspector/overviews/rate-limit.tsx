import { NumberInput } from '@mantine/core';
import { useState } from 'react';

/** Above this a limit limits nothing on one machine. */
const MAX_KIB = 100_000_000;

/** A limit that takes effect when the field is left or Enter is pressed; empty: none. Escape takes it back. */
export function RateLimit({
  label,
  bytesPerSecond,
  disabled = false,
  onChange,
}: {
  label: string;
  /** 0: no limit. */
  bytesPerSecond: number;
  disabled?: boolean;
  onChange(bytesPerSecond: number): void;
}) {
  const shown = bytesPerSecond > 0 ? Math.max(0.1, Math.round(bytesPerSecond / 102.4) / 10) : '';
  /** Undefined: nobody is editing, and the field follows the node. */
  const [draft, setDraft] = useState<number | string>();
  const commit = (): void => {
    setDraft(undefined);
    if (draft === undefined || draft === shown) return;
    const next = Math.round(Number(draft) * 1024);
    if (Number.isFinite(next) && next !== bytesPerSecond) onChange(next);
  };
  return (
    <NumberInput
      size="xs"
      w={130}
      aria-label={label}
      placeholder="no limit"
      title={label}
      suffix=" KiB/s"
      thousandSeparator=" "
      decimalScale={1}
      allowNegative={false}
      min={0}
      max={MAX_KIB}
      step={256}
      disabled={disabled}
      value={draft ?? shown}
      onChange={setDraft}
      onBlur={commit}
      onKeyDown={(event) => {
        if (event.key === 'Enter') commit();
        if (event.key === 'Escape') setDraft(undefined);
      }}
    />
  );
}
