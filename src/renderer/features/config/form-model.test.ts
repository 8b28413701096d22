import { describe, expect, it } from 'vitest';
import type { Field } from '../../../contract/fields';
import { manifestOf, manifests } from '../../../nodes/manifests';
import { spec } from '../../testing/network';
import {
  addressFromText,
  addressText,
  edited,
  linkTargets,
  problemsOf,
  savedValue,
  shownAddress,
  shownValue,
} from './form-model';

const fields = manifestOf('content-server')?.fields ?? {};
const config = { tcpPort: 7001, udpPort: 7002, index: { node: 'index' } };
const edit = (key: string, value: unknown, draft = {}) => {
  const field = fields[key];
  if (!field) throw new Error(`There is no field ${key}.`);
  return edited(draft, key, value, field, config);
};

describe('a draft', () => {
  it('holds what differs from what is saved, and nothing else', () => {
    const draft = edit('tcpPort', 7100);
    expect(draft).toEqual({ tcpPort: 7100 });
    expect(edit('tcpPort', 7001, draft)).toEqual({});
    expect(edit('index', { node: 'index' })).toEqual({});
  });

  it('shows the edit, then what is saved, then the default', () => {
    const { tcpPort, heartbeatMs } = fields;
    if (!tcpPort || !heartbeatMs) throw new Error('The content server has these fields.');
    expect(shownValue('tcpPort', tcpPort, config, { tcpPort: 1 })).toBe(1);
    expect(shownValue('tcpPort', tcpPort, config, {})).toBe(7001);
    expect(shownValue('heartbeatMs', heartbeatMs, config, {})).toBe(3000);
  });
});

describe('problems', () => {
  it('name what is wrong in words', () => {
    expect(problemsOf(fields, { tcpPort: 70_000 }).tcpPort).toContain('between 1 and 65535');
    expect(problemsOf(fields, { heartbeatMs: 1 }).heartbeatMs).toContain('Between');
    expect(problemsOf(fields, { tcpPort: undefined }).tcpPort).toBe('A number is needed.');
    expect(problemsOf(fields, { serverId: 'two words' }).serverId).toBe('One word of at most 64 characters.');
    expect(problemsOf(fields, { index: addressFromText('127.0.0.1:', 5050) }).index).toContain('host:port');
  });

  it('are none for the defaults of every kind', () => {
    for (const manifest of manifests) {
      const defaults = Object.entries(manifest.fields).map(([key, field]) => [
        key,
        savedValue(key, field, {}),
      ]);
      expect(problemsOf(manifest.fields, Object.fromEntries(defaults))).toEqual({});
    }
  });
});

describe('tables', () => {
  const origin = manifestOf('http-origin')?.fields ?? {};
  const headers = origin.headers as Field;
  const rule = { pattern: '/img/', name: 'Cache-Control', value: 'no-store' };

  it('are shown as rows, also where a former version saved a text', () => {
    expect(savedValue('headers', headers, {})).toEqual([]);
    expect(savedValue('headers', headers, { headers: '/img/ Cache-Control: no-store' })).toEqual([rule]);
  });

  it('say which cell is wrong, and why', () => {
    expect(problemsOf(origin, { headers: [rule] })).toEqual({});
    const problem = (more: object) => problemsOf(origin, { headers: [rule, { ...rule, ...more }] }).headers;
    expect(problem({ pattern: 'img' })).toBe(
      'Rule 2, Path: A folder (/img/), a file (/a.css) or an ending (*.html).',
    );
    expect(problem({ name: 'Content-Length' })).toBe('Rule 2, Header: The server makes this field itself.');
    expect(problem({ value: 'a\r\nSet-Cookie: b' })).toContain('Rule 2, Value: A text without line ends');
    expect(problem({ value: '' })).toContain('Rule 2, Value');
  });
});

describe('links', () => {
  it('read and write outside addresses', () => {
    expect(addressFromText('127.0.0.1:5050')).toEqual({ host: '127.0.0.1', port: 5050 });
    expect(addressFromText('example', 5050)).toEqual({ host: 'example', port: 5050 });
    expect(addressText({ host: '::1', port: 80 })).toBe('[::1]:80');
    expect(addressText(addressFromText('127.0.0.1:x'))).toBe('127.0.0.1:x');
  });

  it('show what was typed while it says the value, and the value when another takes its place', () => {
    const typed = 'LOCALHOST : 80';
    expect(shownAddress('example', addressFromText('example', 5050), 5050)).toBe('example');
    expect(shownAddress(typed, addressFromText(typed))).toBe(typed);
    expect(shownAddress('10.0.0.1:80', { host: '10.0.0.2', port: 80 })).toBe('10.0.0.2:80');
    expect(shownAddress('', { host: '10.0.0.2', port: 80 })).toBe('10.0.0.2:80');
  });

  it('offer nodes of the kinds that fit, in natural order', () => {
    const specs = [spec('b', 'monitor', 'M10'), spec('a', 'monitor', 'M2'), spec('c', 'client', 'C1')];
    expect(linkTargets({ to: ['monitor'] }, specs, 'x').map(({ name }) => name)).toEqual(['M2', 'M10']);
  });
});
