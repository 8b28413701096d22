import { CloseButton, TextInput } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';

export function SearchField({
  label,
  value,
  onChange,
  width = 200,
}: {
  label: string;
  value: string;
  onChange: (value: string) => void;
  width?: number | string;
}) {
  return (
    <TextInput
      aria-label={label}
      placeholder={label}
      type="search"
      w={width}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
      onKeyDown={(event) => {
        if (event.key !== 'Escape' || !value) return;
        event.stopPropagation();
        onChange('');
      }}
      leftSection={<IconSearch size={13} />}
      leftSectionWidth={26}
      rightSection={
        value ? <CloseButton size={16} aria-label="Clear search" onClick={() => onChange('')} /> : null
      }
    />
  );
}
