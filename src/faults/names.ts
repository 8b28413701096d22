import type { TextField } from '../contract/fields';

/** Which files a fault of the disk concerns. */
export const namesField = {
  control: 'text',
  label: 'Only names with',
  help: 'Part of a file name. Empty: all files.',
  default: '',
  maxLength: 255,
} as const satisfies TextField;
