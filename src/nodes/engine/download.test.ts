import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { layoutOf, pieceLength, pieceOffset } from '../../protocol/pieces/layout';
import type { NodeContext } from '../../runtime/context';
import { seededRandom } from '../../runtime/random';
import { Simulation } from '../../runtime/testing/simulation';
import { content } from '../p2p/testing/p2p-world';
import { type DownloadOptions, type DownloadOutcome, MultiSourceDownload } from './download';
import { rootHash } from './piece-hashes';
import { readRecord } from './resume-record';
import { MortalFolder } from './testing/mortal-folder';
import { type Script, ScriptedSource } from './testing/scripted-source';
import type { Verification } from './verification';

const SIZE = 30_500;
const bytes = content(SIZE, 3);
const layout = layoutOf(SIZE, 1024);
const digest = (part: Uint8Array): Buffer => createHash('sha256').update(part).digest();
const pieceOf = (file: Uint8Array, piece: number): Uint8Array =>
  file.subarray(pieceOffset(layout, piece), pieceOffset(layout, piece) + pieceLength(layout, piece));
const hashes = Buffer.concat(Array.from({ length: layout.count }, (_, at) => digest(pieceOf(bytes, at))));

const byPiece: Verification = { kind: 'pieces', hashes, root: rootHash(layout, hashes) };
const asWhole: Verification = { kind: 'digest', algorithm: 'sha256', hex: digest(bytes).toString('hex') };
const honest: Script = {
  latencyMs: 150,
  part: 700,
  breaksAfter: null,
  hangsAfter: null,
  liesEvery: 0,
  hasEvery: 1,
};

/** One machine, on which one process after the other downloads the same file. */
class Machine {
  readonly world = new Simulation();
  readonly disk = this.world.files.at('/out');
  readonly events: string[] = [];
  folder = new MortalFolder(this.disk);
  #context!: NodeContext;

  start(
    scripts: readonly Script[],
    options: Partial<DownloadOptions>,
    signal = new AbortController().signal,
  ): Promise<DownloadOutcome> {
    const download = this.download(options);
    scripts.forEach((script, at) => {
      download.add(this.source(`source-${at}`, script));
    });
    return download.run(signal);
  }

  download(options: Partial<DownloadOptions> = {}): MultiSourceDownload {
    this.folder = new MortalFolder(this.disk);
    this.#context = this.world.context('process');
    return new MultiSourceDownload(
      this.#context,
      {
        name: 'file',
        folder: this.folder,
        layout,
        verification: byPiece,
        identity: 'it',
        order: 'rarest',
        timeoutMs: 3000,
        patienceMs: 1000,
        maxSources: 4,
        limit: 0,
        ...options,
      },
      {
        event: (type, _text, _level, subject) => void this.events.push(`${type} ${subject}`),
        changed: () => {},
      },
    );
  }

  /** For the latest download. */
  source(id: string, script: Script): ScriptedSource {
    return new ScriptedSource(id, script, bytes, { ...layout, clock: this.#context.clock });
  }

  async run(scripts: readonly Script[], options: Partial<DownloadOptions>): Promise<DownloadOutcome | Error> {
    let ended: DownloadOutcome | Error | undefined;
    this.start(scripts, options).then(
      (outcome) => {
        ended = outcome;
      },
      (error: Error) => {
        ended = error;
      },
    );
    for (let waited = 0; !ended && waited < 300_000; waited += 100) await this.world.advance(100);
    return ended ?? new Error('It did not end.');
  }

  /** A run that does not live long. */
  async runUntil(ms: number, scripts: readonly Script[], options: Partial<DownloadOptions>): Promise<void> {
    this.start(scripts, options).catch(() => {});
    await this.world.advance(ms);
    this.world.crash('process');
  }

  get partial(): Uint8Array | undefined {
    return this.disk.bytesOf('file.part');
  }

  /** Pieces that a later run would take for right and that are not. */
  async wronglyRecorded(): Promise<number[]> {
    const record = await readRecord(this.disk, 'file', { identity: 'it', ...layout });
    const file = this.partial ?? new Uint8Array();
    return Array.from({ length: layout.count }, (_, piece) => piece).filter((piece) => {
      const inFile = pieceOf(file, piece);
      const whole = inFile.length === pieceLength(layout, piece);
      return record?.pieces.has(piece) && whole && !digest(inFile).equals(digest(pieceOf(bytes, piece)));
    });
  }
}

const anyScript: fc.Arbitrary<Script> = fc.record({
  latencyMs: fc.integer({ min: 1, max: 120 }),
  part: fc.integer({ min: 100, max: 2500 }),
  breaksAfter: fc.option(fc.integer({ min: 0, max: 9000 })),
  hangsAfter: fc.option(fc.integer({ min: 0, max: 9000 }), { freq: 3 }),
  liesEvery: fc.constantFrom(0, 0, 1, 5),
  hasEvery: fc.constantFrom(1, 1, 2, 3),
});
/** When a process ends, and how; null: killed, a number: the power is cut, seed of what is lost. */
const anyDeath = fc.record({ afterMs: fc.integer({ min: 0, max: 9000 }), lost: fc.option(fc.nat()) });

describe('a download from sources that lie, break off and hang, killed at any point', () => {
  it('ends with the exact file when one source is honest and pieces have hashes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyScript, { maxLength: 4 }),
        fc.array(anyDeath, { maxLength: 3 }),
        async (others, deaths) => {
          const machine = new Machine();
          const scripts = [...others, honest];
          const options = { verification: byPiece, maxSources: scripts.length };
          for (const { afterMs, lost } of deaths) {
            await machine.runUntil(afterMs, scripts, options);
            if (lost === null) machine.folder.kill();
            else {
              const random = seededRandom(lost);
              machine.folder.cutPower(() => random() < 0.5);
            }
            expect(await machine.wronglyRecorded()).toEqual([]);
          }
          const outcome = await machine.run(scripts, options);
          expect(outcome).toMatchObject({ verified: 'size and every piece (SHA-256)' });
          expect(Buffer.from(machine.partial ?? []).equals(bytes)).toBe(true);
          expect(machine.disk.names).toEqual(['file.part']);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('ends with the exact file or says why, when only the whole has a hash', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyScript, { minLength: 1, maxLength: 4 }),
        fc.option(anyDeath),
        async (scripts, death) => {
          const machine = new Machine();
          const options = { verification: asWhole, order: 'sequential' as const };
          if (death) {
            await machine.runUntil(death.afterMs, scripts, options);
            machine.folder.kill();
          }
          const outcome = await machine.run(scripts, options);
          if (outcome instanceof Error) {
            expect(['CORRUPT', 'NO_SOURCE']).toContain((outcome as { code?: string }).code);
            expect(
              scripts.some(({ liesEvery }) => liesEvery > 0) ||
                (outcome as { code?: string }).code === 'NO_SOURCE',
            ).toBe(true);
          } else {
            expect(Buffer.from(machine.partial ?? []).equals(bytes)).toBe(true);
            expect(outcome.sha256).toBe(asWhole.kind === 'digest' && asWhole.hex);
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});

it('finds the one who begins pieces with a wrong byte and breaks off, and does not blame those who go on', async () => {
  const machine = new Machine();
  const liar = { ...honest, latencyMs: 1, part: 100, breaksAfter: 100, liesEvery: 1 };
  const outcome = await machine.run([liar, honest], { order: 'sequential' });
  expect(outcome).toMatchObject({ verified: 'size and every piece (SHA-256)' });
  expect(machine.events.filter((event) => event.startsWith('source-banned'))).toEqual([
    'source-banned source-0',
  ]);
});

it('has no timer left when it is cancelled, and leaves what has arrived', async () => {
  const machine = new Machine();
  const controller = new AbortController();
  const ended = machine.start([honest], {}, controller.signal).catch((error: Error) => error.message);
  await machine.world.advance(500);
  controller.abort(new Error('enough'));
  await machine.world.advance(1000);
  expect(await ended).toBe('enough');
  expect(machine.world.clock.pending).toBe(0);
  expect(machine.disk.names).toEqual(['.file.pieces', 'file.part']);
});

it('opens a source again that was named anew while it waited to be tried again', async () => {
  const machine = new Machine();
  const download = machine.download();
  const source = machine.source('source', { ...honest, latencyMs: 10, breaksAfter: 20_000 });
  download.add(source);
  let ended = false;
  const run = download.run(new AbortController().signal).finally(() => {
    ended = true;
  });
  while (download.view().sources[0]?.state !== 'lost') await machine.world.advance(10);
  download.add(source);
  for (let waited = 0; !ended && waited < 60_000; waited += 100) await machine.world.advance(100);
  expect(ended).toBe(true);
  await run;
  expect(Buffer.from(machine.partial ?? []).equals(bytes)).toBe(true);
});
