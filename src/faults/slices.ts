import type { StreamItem } from './fault';

/** Bytes as items of at most `size` bytes each, without copying them. */
export function slices(bytes: Uint8Array, size: number): StreamItem[] {
  const step = Math.max(1, Math.floor(size));
  const items: StreamItem[] = [];
  for (let at = 0; at < bytes.length; at += step) {
    items.push({ type: 'bytes', bytes: bytes.subarray(at, at + step) });
  }
  return items;
}
