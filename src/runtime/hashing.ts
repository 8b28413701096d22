/** Digests in threads of this process. */
import { createHash, type Hash } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { asBuffer } from '../protocol/as-buffer';
import type { HashAlgorithm, Hasher, Hashing } from './context';

/** A thread takes longer to start than hashing so many bytes, and memory that small transfers should not cost. */
const MIN_BYTES = 8 * 1024 * 1024;
const MAX_THREADS = 4;
/** A thread without work ends after so long. */
const IDLE_MS = 2000;

/** What a thread is asked. Answers come in the order of the questions, with the bytes that were given away. */
type Question =
  | { does: 'hash'; algorithm: HashAlgorithm; bytes: Uint8Array }
  | { does: 'update'; hasher: number; algorithm: HashAlgorithm; bytes: Uint8Array }
  | { does: 'digest'; hasher: number; algorithm: HashAlgorithm }
  | { does: 'close'; hasher: number };

interface Answer {
  bytes?: Uint8Array<ArrayBuffer>;
  hex?: string;
}

/** In the text of the program, so that no bundle has to know of a further file. */
const program = `
  const { parentPort } = require('node:worker_threads');
  const { createHash } = require('node:crypto');
  const running = new Map();
  const runningOf = ({ hasher, algorithm }) => {
    if (!running.has(hasher)) running.set(hasher, createHash(algorithm));
    return running.get(hasher);
  };
  const hexOf = (question) => {
    switch (question.does) {
      case 'hash': return createHash(question.algorithm).update(question.bytes).digest('hex');
      case 'update': return void runningOf(question).update(question.bytes);
      case 'digest': return runningOf(question).copy().digest('hex');
      case 'close': return void running.delete(question.hasher);
    }
  };
  parentPort.on('message', (question) => {
    const hex = hexOf(question);
    const { bytes } = question;
    parentPort.postMessage({ bytes, hex }, bytes ? [bytes.buffer] : []);
  });
`;

/** @param threads at most; they are started when they are needed, and end when they are not */
export function systemHashing(threads = Math.min(MAX_THREADS, availableParallelism())): Hashing {
  const running = new Set<HashThread>();
  return {
    hasher(algorithm, expectedBytes) {
      if (expectedBytes < MIN_BYTES) return new HasherOnTheSpot(algorithm);
      let thread = leastBusy(running);
      if (!thread || (thread.hashers > 0 && running.size < threads)) {
        const started = new HashThread(() => running.delete(started));
        running.add(started);
        thread = started;
      }
      return new HasherInThread(thread, algorithm);
    },
  };
}

function leastBusy(threads: ReadonlySet<HashThread>): HashThread | undefined {
  return [...threads].sort((a, b) => a.hashers - b.hashers)[0];
}

class HashThread {
  hashers = 0;
  readonly #worker: Worker;
  readonly #waiting: { resolve: (answer: Answer) => void; reject: (error: Error) => void }[] = [];
  readonly #onEnd: () => void;
  #idle: NodeJS.Timeout | undefined;
  #error: Error | undefined;
  #lastHasher = 0;

  constructor(onEnd: () => void) {
    this.#onEnd = onEnd;
    this.#worker = new Worker(program, { eval: true });
    this.#worker.unref();
    this.#worker.on('message', (answer: Answer) => this.#answered(answer));
    this.#worker.on('error', (error) => this.#fail(error));
  }

  /** Returns the number of the hasher here. */
  enter(): number {
    clearTimeout(this.#idle);
    this.hashers++;
    return ++this.#lastHasher;
  }

  leave(hasher: number): void {
    this.hashers--;
    void this.ask({ does: 'close', hasher }).catch(() => {});
  }

  ask(question: Question): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.#error) return reject(this.#error);
      // Only while it works does it keep the process alive.
      if (this.#waiting.push({ resolve, reject }) === 1) this.#worker.ref();
      const given = 'bytes' in question ? [question.bytes.buffer as ArrayBuffer] : [];
      this.#worker.postMessage(question, given);
    });
  }

  #answered(answer: Answer): void {
    this.#waiting.shift()?.resolve(answer);
    if (this.#waiting.length > 0) return;
    this.#worker.unref();
    if (this.hashers === 0) this.#idle = setTimeout(() => this.#end(), IDLE_MS).unref();
  }

  #end(): void {
    this.#onEnd();
    void this.#worker.terminate();
  }

  #fail(error: Error): void {
    this.#error = error;
    this.#onEnd();
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}

class HasherInThread implements Hasher {
  readonly #thread: HashThread;
  readonly #algorithm: HashAlgorithm;
  readonly #number: number;
  #closed = false;

  constructor(thread: HashThread, algorithm: HashAlgorithm) {
    this.#thread = thread;
    this.#algorithm = algorithm;
    this.#number = thread.enter();
  }

  async hash(block: Uint8Array): Promise<{ bytes: Buffer; hex: string }> {
    const { bytes, hex } = await this.#thread.ask({ does: 'hash', algorithm: this.#algorithm, bytes: block });
    return { bytes: asBuffer(bytes as Uint8Array), hex: hex as string };
  }

  async update(part: Uint8Array): Promise<Buffer> {
    const { bytes } = await this.#thread.ask({ does: 'update', ...this.#running, bytes: part });
    return asBuffer(bytes as Uint8Array);
  }

  async digest(): Promise<string> {
    const { hex } = await this.#thread.ask({ does: 'digest', ...this.#running });
    return hex as string;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#thread.leave(this.#number);
  }

  get #running(): { hasher: number; algorithm: HashAlgorithm } {
    return { hasher: this.#number, algorithm: this.#algorithm };
  }
}

/** For little, and for tests. */
export class HasherOnTheSpot implements Hasher {
  readonly #algorithm: HashAlgorithm;
  readonly #running: Hash;

  constructor(algorithm: HashAlgorithm) {
    this.#algorithm = algorithm;
    this.#running = createHash(algorithm);
  }

  async hash(block: Uint8Array): Promise<{ bytes: Buffer; hex: string }> {
    const hex = createHash(this.#algorithm).update(block).digest('hex');
    return { bytes: asBuffer(block), hex };
  }

  async update(part: Uint8Array): Promise<Buffer> {
    this.#running.update(part);
    return asBuffer(part);
  }

  async digest(): Promise<string> {
    return this.#running.copy().digest('hex');
  }

  close(): void {}
}
