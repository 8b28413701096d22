/** Digests in threads of this process. */
import { createHash, type Hash } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { asBuffer } from '../protocol/as-buffer';
import type { Digested, FilePlace, HashAlgorithm, Hasher, Hashing } from './context';
import { WRITE_SLICE } from './disk-file';

/** A thread takes longer to start than hashing so many bytes, and memory that small transfers should not cost. */
const MIN_BYTES = 8 * 1024 * 1024;
const MAX_THREADS = 4;
/** A thread without work ends after so long. */
const IDLE_MS = 2000;
/** Blocks that wait for a thread and are worth another one. */
const MANY_WAITING = 3;

/** What a thread is asked. Answers come in the order of the questions, with the bytes that were given away. */
type Question =
  | { does: 'hash'; algorithm: HashAlgorithm; bytes: Uint8Array; place: FilePlace | undefined }
  | {
      does: 'update';
      hasher: number;
      algorithm: HashAlgorithm;
      bytes: Uint8Array;
      place: FilePlace | undefined;
    }
  | { does: 'digest'; hasher: number; algorithm: HashAlgorithm }
  | { does: 'close'; hasher: number };

interface Answer {
  bytes?: Uint8Array<ArrayBuffer>;
  hex?: string;
  /** Why the bytes could not be written; an Error would lose its code on the way. */
  error?: { message: string; code: string | undefined };
}

/** What is hashed and then written at once: half of a core's second cache, so that it is still there. */
const DIGEST_SLICE = 128 * 1024;

/** In the text of the program, so that no bundle has to know of a further file. */
const program = `
  const { parentPort } = require('node:worker_threads');
  const { createHash } = require('node:crypto');
  const { writeSync } = require('node:fs');
  const running = new Map();
  const write = ({ fd, position }, bytes, from, end) => {
    while (from < end) from += writeSync(fd, bytes, from, Math.min(${WRITE_SLICE}, end - from), position + from);
  };
  const take = (hash, { bytes, place }) => {
    if (!place) return hash.update(bytes);
    for (let from = 0; from < bytes.length; from += ${DIGEST_SLICE}) {
      const end = Math.min(from + ${DIGEST_SLICE}, bytes.length);
      hash.update(bytes.subarray(from, end));
      write(place, bytes, from, end);
    }
    return hash;
  };
  const runningOf = ({ hasher, algorithm }) => {
    if (!running.has(hasher)) running.set(hasher, createHash(algorithm));
    return running.get(hasher);
  };
  const hexOf = (question) => {
    switch (question.does) {
      case 'hash': return take(createHash(question.algorithm), question).digest('hex');
      case 'update': return void take(runningOf(question), question);
      case 'digest': return runningOf(question).copy().digest('hex');
      case 'close': return void running.delete(question.hasher);
    }
  };
  parentPort.on('message', (question) => {
    const answer = { bytes: question.bytes };
    try {
      answer.hex = hexOf(question);
    } catch (error) {
      answer.error = { message: error.message, code: error.code };
    }
    parentPort.postMessage(answer, answer.bytes ? [answer.bytes.buffer] : []);
  });
`;

/**
 * @param threads at most; they are started when they are needed, and end when they are not. The node's own thread has
 *   a core to itself where there are several: a second thread beside it on two cores made a download 9 % slower.
 */
export function systemHashing(
  threads = Math.max(1, Math.min(MAX_THREADS, availableParallelism() - 1)),
): Hashing {
  const running = new Set<HashThread>();
  return {
    hasher(algorithm, expectedBytes) {
      if (expectedBytes < MIN_BYTES) return new HasherOnTheSpot(algorithm);
      const thread = chosen(({ hashers }) => hashers, 1);
      return new HasherInThread(thread, algorithm, () => chosen(({ waiting }) => waiting, MANY_WAITING));
    },
  };

  /** The thread with the least to do, or a further one if even that has so much. */
  function chosen(toDo: (thread: HashThread) => number, much: number): HashThread {
    const [least] = [...running].sort((a, b) => toDo(a) - toDo(b));
    if (least && (toDo(least) < much || running.size >= threads)) return least;
    const started = new HashThread(() => running.delete(started));
    running.add(started);
    return started;
  }
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

  /** Questions that it has not answered. */
  get waiting(): number {
    return this.#waiting.length;
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
      clearTimeout(this.#idle);
      // Only while it works does it keep the process alive.
      if (this.#waiting.push({ resolve, reject }) === 1) this.#worker.ref();
      const given = 'bytes' in question ? [question.bytes.buffer as ArrayBuffer] : [];
      this.#worker.postMessage(question, given);
    });
  }

  #answered(answer: Answer): void {
    const asked = this.#waiting.shift();
    if (answer.error)
      asked?.reject(Object.assign(new Error(answer.error.message), { code: answer.error.code }));
    else asked?.resolve(answer);
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
  /** Single blocks may go to any thread. */
  readonly #anyThread: () => HashThread;
  readonly #number: number;
  #closed = false;

  constructor(thread: HashThread, algorithm: HashAlgorithm, anyThread: () => HashThread) {
    this.#thread = thread;
    this.#algorithm = algorithm;
    this.#anyThread = anyThread;
    this.#number = thread.enter();
  }

  async hash(block: Uint8Array, place?: FilePlace): Promise<Digested & { hex: string }> {
    const algorithm = this.#algorithm;
    const { bytes, hex } = await this.#anyThread().ask({ does: 'hash', algorithm, bytes: block, place });
    return { ...digested(bytes, place), hex: hex as string };
  }

  async update(part: Uint8Array, place?: FilePlace): Promise<Digested> {
    const { bytes } = await this.#thread.ask({ does: 'update', ...this.#running, bytes: part, place });
    return digested(bytes, place);
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

function digested(bytes: Answer['bytes'], place: FilePlace | undefined): Digested {
  return { bytes: asBuffer(bytes as Uint8Array), written: place !== undefined };
}

/** For little, and for tests; writes nothing. */
export class HasherOnTheSpot implements Hasher {
  readonly #algorithm: HashAlgorithm;
  readonly #running: Hash;

  constructor(algorithm: HashAlgorithm) {
    this.#algorithm = algorithm;
    this.#running = createHash(algorithm);
  }

  async hash(block: Uint8Array): Promise<Digested & { hex: string }> {
    const hex = createHash(this.#algorithm).update(block).digest('hex');
    return { bytes: asBuffer(block), hex, written: false };
  }

  async update(part: Uint8Array): Promise<Digested> {
    this.#running.update(part);
    return { bytes: asBuffer(part), written: false };
  }

  async digest(): Promise<string> {
    return this.#running.copy().digest('hex');
  }

  close(): void {}
}
