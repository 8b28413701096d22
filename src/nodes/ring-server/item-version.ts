/** One version of one item. The higher `version` wins, then the higher `by`. */
export interface ItemVersion {
  name: string;
  version: number;
  /** Address of the member where it was put. */
  by: string;
  size: number;
  /** Hex. */
  sha256: string;
}

/** Positive when `a` replaces `b`. */
export function compareVersions(
  a: Pick<ItemVersion, 'version' | 'by'>,
  b: Pick<ItemVersion, 'version' | 'by'>,
): number {
  if (a.version !== b.version) return a.version - b.version;
  return a.by < b.by ? -1 : a.by > b.by ? 1 : 0;
}

/** Whether a value, from the network or the disk, describes a version of an item. */
export function isItemVersion(value: unknown): value is ItemVersion {
  if (typeof value !== 'object' || value === null) return false;
  const { name, version, by, size, sha256 } = value as Record<string, unknown>;
  return (
    typeof name === 'string' &&
    name !== '' &&
    name.length <= 1024 &&
    Number.isSafeInteger(version) &&
    (version as number) > 0 &&
    (version as number) < 2 ** 48 &&
    typeof by === 'string' &&
    by.length <= 261 &&
    Number.isSafeInteger(size) &&
    (size as number) >= 0 &&
    typeof sha256 === 'string' &&
    /^[0-9a-f]{64}$/.test(sha256)
  );
}
