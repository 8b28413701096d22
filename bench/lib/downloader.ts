/** The receiving end of a P2P bench. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { freePort, peakMemory, scratchFolder } from './programs';

export interface Downloaded {
  /** Resident memory at its highest, bytes. */
  memory: number;
  wasted: number;
}

/** A peer of ours that shares nothing, with its commands on standard input. */
export class Downloader {
  /** Resolves when it takes commands; what it is told before waits until then. */
  readonly ready: Promise<void>;
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  #text = '';

  /** @param index port of the index, whose peers have the file */
  static async start(index: number, out: string, file: string): Promise<Downloader> {
    return new Downloader(file, [
      ...['out/main/cli.js', 'p2p-peer', '127.0.0.1', String(index), String(await freePort()), out],
      ...['--quiet', '--no-register', '--log-file', join(scratchFolder(), 'log')],
    ]);
  }

  private constructor(
    readonly file: string,
    args: string[],
  ) {
    this.#child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#ended = new Promise((resolve) => this.#child.once('close', resolve));
    this.#child.stdout?.on('data', (part: Buffer) => {
      this.#text += part.toString();
    });
    this.ready = this.#says('READY');
  }

  /** Resolves when the file is there, verified. */
  async download(): Promise<void> {
    this.#child.stdin?.write(`download ${this.file}\n`);
    await this.#says('verified: size and every piece');
  }

  async end(): Promise<Downloaded> {
    const memory = peakMemory(this.#child.pid as number);
    this.#child.stdin?.end('quit\n');
    await this.#ended;
    return { memory, wasted: Number(/(\d+) bytes came twice/.exec(this.#text)?.[1] ?? 0) };
  }

  #says(words: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        if (this.#text.includes(words)) resolve();
      };
      this.#child.stdout?.on('data', look);
      void this.#ended.then(() => reject(new Error(`The download failed: ${this.#text}`)));
    });
  }
}
