const byteUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** `0 B`, `999 B`, `1.2 KiB`, `34 MiB`: at most three digits that matter. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < byteUnits.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : 1;
  return `${value.toFixed(digits)} ${byteUnits[unit]}`;
}
