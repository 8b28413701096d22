import { parseEndpoint } from '../../contract/endpoint';
import type { Reported } from './kinds';

/** A program that a snapshot knows by its address alone; none where the text is no address. */
export function reportedAt(address: string, role: string): Reported[] {
  const endpoint = parseEndpoint(address);
  return endpoint ? [{ ...endpoint, name: address, role }] : [];
}
