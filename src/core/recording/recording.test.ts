import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { callNames } from '../../contract/calls';
import { formatRecording, parseRecording, type Recording } from './recording';
import { isRecordedCall } from './steps';

const recording: Recording = {
  format: 'micro-cdn-recording',
  version: 1,
  name: 'A death',
  recordedAt: '2026-12-01T10:00:00.000Z',
  lengthMs: 900,
  nodes: [{ id: 'cs1', kind: 'content-server', name: 'CS1', running: true }],
  steps: [
    { at: 10, call: 'nodes.kill', input: { ids: ['cs1'] }, took: 1 },
    { at: 20, call: 'transfers.download', input: { name: 'hello.txt' }, took: 2, made: { transfer: ['t'] } },
  ],
};
const changed = (change: object): string => JSON.stringify({ ...recording, ...change });
const step = (change: object): string => changed({ steps: [{ ...recording.steps[0], ...change }] });

describe('the file of a recording', () => {
  it('gives back what was written', () => {
    expect(parseRecording(formatRecording(recording))).toEqual({ recording });
  });

  it.each([
    ['empty', '', /^it is empty$/],
    ['cut off', formatRecording(recording).slice(0, 200), /^it ends too early or is not JSON$/],
    ['nothing', 'null', /^it is no recording$/],
    ['something else', '{"format":"micro-cdn-studio","version":1}', /^it is no recording$/],
    ['of a newer version', changed({ version: 2 }), /newer version/],
    ['without nodes', changed({ nodes: undefined }), /^nodes: /],
    ['with a step that only looks', step({ call: 'files.list' }), /^steps\.0\.call: "files.list" is no step/],
    ['with a step that is no call', step({ call: 'toString' }), /^steps\.0\.call: "toString" is no step/],
    ['with an input that its call refuses', step({ input: { ids: [] } }), /^steps\.0\.input\.ids: /],
    ['with a time beyond all timers', step({ at: 1e12 }), /^steps\.0\.at: /],
  ])('that is %s is told what is wrong with it', (_, text, problem) => {
    expect(parseRecording(text)).toEqual({ problem: expect.stringMatching(problem) });
  });

  it('is as the documentation shows it', async () => {
    const documentation = await readFile(join(import.meta.dirname, '../../../docs/recordings.md'), 'utf8');
    const [, example] = /```json\n(.*?)```/s.exec(documentation) ?? [];
    expect(parseRecording(example ?? '')).toMatchObject({ recording: { name: 'CS1 dies' } });
  });

  it('that is any other text is refused, and nothing is thrown', () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => 'problem' in parseRecording(text)));
  });
});

describe('the list of what is recorded', () => {
  it('holds what changes the network, and no call for files from outside, settings or the shell', () => {
    const recorded = callNames.filter(isRecordedCall);
    expect(recorded).toEqual(
      expect.arrayContaining(['workspace.apply', 'nodes.kill', 'faults.set', 'transfers.download']),
    );
    const others = /^(studio|logs|messages|catalogue|settings|shell|recordings|ports|tasks)\.|import|Upload/;
    expect(recorded.filter((call) => others.test(call))).toEqual([]);
  });
});
