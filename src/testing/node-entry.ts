import { inject } from 'vitest';

/** Path of the node program that the set-up built. */
export function nodeEntry(): string {
  const path = inject('nodeEntry');
  if (!path) throw new Error(`The node program could not be built: ${inject('nodeEntryError')}`);
  return path;
}
