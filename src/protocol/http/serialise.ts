import type { Fields } from './fields';
import { reasonPhrase } from './status';

/** A reply's head as bytes, its empty line included. Latin-1: values keep the bytes they came with. */
export function responseHead(status: number, fields: Fields, reason = reasonPhrase(status)): Buffer {
  return Buffer.from(`HTTP/1.1 ${status} ${reason}\r\n${fields.toString()}\r\n`, 'latin1');
}

/** A request's head as bytes. */
export function requestHead(method: string, target: string, fields: Fields): Buffer {
  return Buffer.from(`${method} ${target} HTTP/1.1\r\n${fields.toString()}\r\n`, 'latin1');
}
