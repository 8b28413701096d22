import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  announceToForeignIndex,
  decodeSeedName,
  encodeSeedName,
  FOREIGN_LIST_BYTES,
  formatSeedFileList,
  formatSeedFileSpec,
  formatSeedHolders,
  parseSeedCommand,
  parseSeedFileList,
  parseSeedFileSpec,
  parseSeedHolders,
} from './p2p-seed';
import { type SeedEvent, SeedSession } from './p2p-seed-session';

describe('golden bytes', () => {
  it('lists files as the seed does', () => {
    expect(formatSeedFileList(['a.txt', 'b.txt'])).toBe('\nFiles hosted: \n \na.txt\nb.txt');
    expect(formatSeedFileList([])).toBe('\nFiles hosted: \n \n');
  });

  it('names holders as Python prints a list', () => {
    const holders = [
      { connection: { host: '127.0.0.1', port: 59936 }, port: 9001 },
      { connection: { host: '127.0.0.2', port: 1 }, port: 9002 },
    ];
    expect(formatSeedHolders(holders)).toBe(`["('127.0.0.1', 59936)", '9001'] ["('127.0.0.2', 1)", '9002']`);
    expect(formatSeedHolders([])).toBe('No Registered Nodes host that file');
  });

  it('gives size and md5 with the five characters between', () => {
    const spec = { size: 12, md5: '0123456789abcdef0123456789abcdef' };
    expect(formatSeedFileSpec(spec)).toBe('12<SEP>0123456789abcdef0123456789abcdef');
  });
});

describe('reading', () => {
  it('knows the six commands, with or without a newline', () => {
    expect(parseSeedCommand('register 9001')).toEqual({ type: 'register', port: 9001 });
    expect(parseSeedCommand('register 9001\r\n')).toEqual({ type: 'register', port: 9001 });
    expect(parseSeedCommand('update')).toEqual({ type: 'update' });
    expect(parseSeedCommand('delete a.txt')).toEqual({ type: 'delete' });
    expect(parseSeedCommand('unregister')).toEqual({ type: 'unregister' });
    expect(parseSeedCommand('get_files_list')).toEqual({ type: 'get_files_list' });
    expect(parseSeedCommand('download my file.txt')).toEqual({ type: 'download', name: 'my file.txt' });
  });

  it('takes nothing else for a command', () => {
    for (const text of [
      '',
      'register',
      'register 0',
      'register 70000',
      'Register 1',
      'download ',
      'a.txt b.txt',
    ])
      expect(parseSeedCommand(text).type).toBe('unknown');
  });

  it('reads back what it writes', () => {
    const name = fc.stringMatching(/^[a-z0-9.]{1,12}$/);
    fc.assert(
      fc.property(fc.array(name), (names) => {
        expect(parseSeedFileList(formatSeedFileList(names))).toEqual(names);
      }),
    );
    const port = fc.integer({ min: 1, max: 65_535 });
    fc.assert(
      fc.property(fc.array(fc.tuple(port, port), { minLength: 1 }), (ports) => {
        const holders = ports.map(([from, at]) => ({
          connection: { host: '127.0.0.1', port: from },
          port: at,
        }));
        expect(parseSeedHolders(formatSeedHolders(holders))).toEqual(
          ports.map(([, at]) => ({ host: '127.0.0.1', port: at })),
        );
      }),
    );
  });

  it('tells an unfinished file spec from a wrong one, wherever it is cut', () => {
    const whole = '1048576<SEP>0123456789abcdef0123456789abcdef';
    for (let cut = 1; cut < whole.length; cut++)
      expect(parseSeedFileSpec(whole.slice(0, cut)), whole.slice(0, cut)).toBe('incomplete');
    expect(parseSeedFileSpec(whole)).toEqual({ size: 1048576, md5: '0123456789abcdef0123456789abcdef' });
    expect(parseSeedFileSpec('ERROR')).toBe('missing');
    for (const wrong of ['x', '12<SEP>zz', '<SEP>', '12<PES>', `${'9'.repeat(30)}<SEP>`, 'ERRORS'])
      expect(parseSeedFileSpec(wrong), wrong).toBeNull();
  });

  it('refuses what is no holder list', () => {
    expect(parseSeedHolders('No Registered Nodes host that file')).toEqual([]);
    expect(parseSeedHolders('SEND FILES')).toBeNull();
    expect(parseSeedHolders(`["('127.0.0.1', 5)", '99999']`)).toBeNull();
  });
});

describe('towards a foreign index', () => {
  it('encodes spaces so that they can be undone', () => {
    expect(encodeSeedName('my file 100%.txt')).toBe('my%20file%20100%25.txt');
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', minLength: 1 }).filter((s) => !s.includes('%')),
        (name) => {
          expect(decodeSeedName(encodeSeedName(name))).toBe(name);
        },
      ),
    );
    expect(decodeSeedName('100%.txt')).toBe('100%.txt');
  });

  it('never sends more than one receive takes', () => {
    const names = Array.from({ length: 200 }, (_, at) => `file-number-${at}.bin`);
    const { text, heldBack } = announceToForeignIndex(names);
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(FOREIGN_LIST_BYTES);
    expect(text.split(' ').length + heldBack.length).toBe(names.length);
  });
});

describe('a seed peer at the index', () => {
  const bytes = (text: string): Uint8Array => Buffer.from(text);
  const files = (events: SeedEvent[]): string[] | undefined =>
    events.flatMap((event) => (event.type === 'files' ? [event.names] : []))[0];

  it('collects a list over many receives until it is quiet', () => {
    const session = new SeedSession();
    session.receive(bytes('register 9001'), 0);
    expect(session.receive(bytes('a.txt b'), 10)).toEqual([]);
    expect(session.receive(bytes('.txt c.txt'), 50)).toEqual([]);
    expect(session.tick(100)).toEqual([]);
    expect(files(session.tick(110))).toEqual(['a.txt', 'b.txt', 'c.txt']);
    expect(session.dueAt).toBeNull();
  });

  it('does not let an empty folder swallow the next command', () => {
    const session = new SeedSession();
    session.receive(bytes('register 9001'), 0);
    expect(session.receive(bytes('get_files_list'), 50)).toEqual([
      { type: 'files', names: [] },
      { type: 'command', command: { type: 'get_files_list' } },
    ]);
    session.receive(bytes('update'), 100);
    expect(files(session.tick(500))).toEqual([]);
    expect(session.receive(bytes('unregister'), 600)).toEqual([
      { type: 'command', command: { type: 'unregister' } },
    ]);
  });

  it('takes what comes late, and is no command, for the rest of the list', () => {
    const session = new SeedSession();
    session.receive(bytes('register 9001'), 0);
    expect(files(session.tick(400))).toEqual([]);
    session.receive(bytes('a.txt b'), 900);
    expect(files(session.tick(1000))).toEqual(['a.txt', 'b']);
    session.receive(bytes('.txt'), 1500);
    expect(files(session.tick(1600))).toEqual(['a.txt', 'b.txt']);
    session.receive(bytes('get_files_list'), 2000);
    expect(session.receive(bytes('what'), 2100)).toEqual([
      { type: 'command', command: { type: 'unknown', text: 'what' } },
    ]);
  });

  it('keeps a character that is split between two receives', () => {
    const session = new SeedSession();
    const list = bytes('größe.txt');
    session.receive(bytes('register 9001'), 0);
    session.receive(list.subarray(0, 3), 1);
    session.receive(list.subarray(3), 2);
    expect(files(session.tick(1000))).toEqual(['größe.txt']);
  });

  it('stops a flood', () => {
    const session = new SeedSession();
    session.receive(bytes('register 9001'), 0);
    const block = bytes('x'.repeat(1 << 20));
    let events: SeedEvent[] = [];
    for (let sent = 0; sent < 5; sent++) events = session.receive(block, sent);
    expect(events).toEqual([{ type: 'flooded' }]);
    expect(new SeedSession().receive(block, 0)).toEqual([{ type: 'flooded' }]);
  });
});
