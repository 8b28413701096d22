/** `micro-cdn client NAME` and its like: one download by a node kind that downloads, with progress. */
import type { NodeManifest } from '../contract/manifest';
import type { DownloadProgress, DownloadResult } from '../nodes/client/manifest';
import type { ForegroundOptions } from './foreground';
import { printable } from './printable';
import { runOperation, tellFailure } from './run-operation';

/**
 * Resolves to the exit code: 0 only when the whole file is saved and verified, 130 after Ctrl-C. Its path is
 * then the last line on standard output; everything else goes to standard error.
 */
export async function runDownload(
  manifest: NodeManifest,
  name: string,
  { config, seed, faults }: ForegroundOptions,
): Promise<number> {
  const line = new ProgressLine(name);
  try {
    const result = (await runOperation({
      kind: manifest.id,
      config,
      seed,
      faults,
      operation: 'download',
      input: { name },
      progress: (value) => line.show(value as unknown as DownloadProgress),
    })) as DownloadResult;
    line.done(`${result.size} bytes, ${result.verified} verified, sha256 ${result.sha256}`);
    process.stdout.write(`${result.path}\n`);
    return 0;
  } catch (error) {
    return tellFailure(error, (text) => line.done(text));
  }
}

const BAR_WIDTH = 24;
/** Weight of the newest sample in the moving average of the rate. */
const RATE_WEIGHT = 0.3;

/** One line that is drawn over on a terminal; on anything else, only marks and the outcome. */
class ProgressLine {
  #marksShown = 0;
  #last: { at: number; bytes: number } | undefined;
  #rate = 0;

  constructor(readonly name: string) {}

  show(progress: DownloadProgress): void {
    for (const mark of progress.marks.slice(this.#marksShown)) this.#line(mark.text);
    this.#marksShown = progress.marks.length;
    if (!process.stderr.isTTY) return;
    const now = performance.now();
    if (this.#last && now > this.#last.at) {
      const rate = ((progress.bytes - this.#last.bytes) / (now - this.#last.at)) * 1000;
      this.#rate = this.#rate === 0 ? rate : this.#rate + RATE_WEIGHT * (rate - this.#rate);
    }
    this.#last = { at: now, bytes: progress.bytes };
    process.stderr.write(`\r\x1b[K${printable(this.#bar(progress))}`);
  }

  done(text: string): void {
    this.#line(`${this.name}: ${text}`);
  }

  #bar({ bytes, size, source }: DownloadProgress): string {
    const share = size ? bytes / size : 0;
    const filled = '█'.repeat(Math.round(share * BAR_WIDTH)).padEnd(BAR_WIDTH, '░');
    const left = size && this.#rate > 0 ? ` · ${Math.ceil((size - bytes) / this.#rate)} s left` : '';
    const rate = `${(this.#rate / 2 ** 20).toFixed(1)} MiB/s`;
    return `${this.name} ${filled} ${(share * 100).toFixed(0)} % · ${rate}${left}${source ? ` · ${source.serverId}` : ''}`;
  }

  #line(text: string): void {
    process.stderr.write(`${process.stderr.isTTY ? '\r\x1b[K' : ''}${printable(text)}\n`);
  }
}
