import { join } from 'node:path';
import { inject } from 'vitest';

/** Path of the program that node processes run. */
export function nodeEntry(): string {
  return program('node.js');
}

/** Path of the `micro-cdn` command. */
export function cliEntry(): string {
  return program('cli.js');
}

function program(name: string): string {
  const error = inject('programsError');
  if (error) throw new Error(`The programs could not be built: ${error}`);
  return join(inject('programs'), name);
}
