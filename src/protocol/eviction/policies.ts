/** The registry of eviction policies: one line each. */
import { Clock } from './clock';
import { Fifo } from './fifo';
import { Lfu } from './lfu';
import { Lru } from './lru';
import type { CreatePolicy } from './policy';
import { S3Fifo } from './s3-fifo';
import { Sieve } from './sieve';
import { WTinyLfu } from './w-tiny-lfu';

export const policies = {
  lru: () => new Lru(),
  lfu: () => new Lfu(),
  fifo: () => new Fifo(),
  clock: () => new Clock(),
  sieve: () => new Sieve(),
  's3-fifo': (capacity) => new S3Fifo(capacity),
  'w-tinylfu': (capacity) => new WTinyLfu(capacity),
} satisfies Record<string, CreatePolicy>;

export type PolicyName = keyof typeof policies;
