import { StudioError } from '../../contract/errors';
import { formatBytes } from '../../contract/format-bytes';
import { fileNameProblem } from '../../protocol/file-name';
import type { CreateNode, OperationScope } from '../../runtime/context';
import { type Steered, Steering } from '../engine/steering';
import { Download } from './download';
import { Locator } from './locator';
import type {
  ClientConfig,
  ClientOperations,
  ClientSnapshot,
  DownloadProgress,
  DownloadResult,
} from './manifest';
import { PartialFiles } from './partial-file';
import { downloadFromSeveral } from './several';

export const createNode: CreateNode<ClientConfig> = (config, context) => {
  const { telemetry } = context;
  const partials = new PartialFiles(context);
  const locator = config.index ? new Locator(config.index, context, config) : undefined;
  const active = new Set<AbortController>();
  const steering = new Steering();
  let done = 0;
  let failed = 0;
  let closing = false;
  let drained: (() => void) | undefined;

  const published = telemetry.publish(() => {
    const snapshot: ClientSnapshot = { active: active.size, done, failed };
    return { ...snapshot };
  });

  async function download(
    input: ClientOperations['download']['input'],
    scope: OperationScope,
  ): Promise<DownloadResult> {
    refuse(input.name);
    const controller = new AbortController();
    const onAbort = (): void => controller.abort(scope.signal.reason);
    scope.signal.addEventListener('abort', onAbort, { once: true });
    if (scope.signal.aborted) onAbort();
    active.add(controller);
    const steered = steering.begin(input.name, input.priority);
    published.changed();
    try {
      const result = await fetch(input, steered, controller.signal, (progress) =>
        scope.progress({ ...progress }),
      );
      done++;
      return result;
    } catch (error) {
      failed++;
      throw controller.signal.aborted
        ? new StudioError('CANCELLED', `The download of ${input.name} was cancelled.`)
        : error;
    } finally {
      scope.signal.removeEventListener('abort', onAbort);
      active.delete(controller);
      steered.end();
      published.changed();
      if (active.size === 0) drained?.();
    }
  }

  async function fetch(
    { name, folder: path, keepPartial = false, sources }: ClientOperations['download']['input'],
    steered: Steered,
    signal: AbortSignal,
    report: (progress: DownloadProgress) => void,
  ): Promise<DownloadResult> {
    if (!locator) throw noIndex();
    const folder = await context.files.folder(path || config.out);
    // What fails here fails again below, where it is dealt with.
    const located = await locator.locate(name, [], signal).catch(() => null);
    const several = await downloadFromSeveral(name, located, folder, partials, {
      context,
      config: { ...config, maxSources: sources ?? config.maxSources },
      locator,
      report,
      signal,
      steered,
      keepPartial: () => keepPartial || closing,
    });
    if (several) return several;
    const partial = await partials.claim(folder, name);
    try {
      const reportWithPath = (progress: DownloadProgress): void =>
        report({ ...progress, partial: partial.path });
      const ports = { context, config, locator, report: reportWithPath, signal };
      const result = await new Download(name, partial, located, ports).run();
      const saved = await partial.finish();
      telemetry.count('bytesDownloaded', result.size);
      telemetry.event({
        type: 'transfer-finished',
        subject: name,
        level: 'good',
        text: `${name} is saved (${formatBytes(result.size)}, ${result.verified} verified).`,
      });
      return { ...result, path: `${folder.path}/${saved}` };
    } catch (error) {
      // A cancelled download is over unless the caller means to go on later; a failed one can be tried again.
      await partial.abandon(signal.aborted ? keepPartial || closing : true);
      telemetry.event({
        type: 'transfer-aborted',
        subject: name,
        level: signal.aborted ? 'info' : 'bad',
        text: signal.aborted ? `The download of ${name} was cancelled.` : (error as Error).message,
      });
      throw error;
    }
  }

  function refuse(name: string): void {
    if (closing) throw new StudioError('STOPPING', 'This client is stopping and begins no new downloads.');
    const problem = fileNameProblem(name);
    if (problem !== null) {
      throw new StudioError('BAD_FILE_NAME', `${JSON.stringify(name)} cannot be a file: ${problem}.`);
    }
  }

  return {
    async start() {
      return {};
    },

    async drain() {
      closing = true;
      if (active.size === 0) return;
      await new Promise<void>((resolve) => {
        drained = resolve;
      });
    },

    async stop() {
      closing = true;
      const finished = new Promise<void>((resolve) => {
        drained = resolve;
      });
      for (const controller of active) controller.abort();
      if (active.size > 0) await finished;
    },

    operations: {
      download,
      control: ({ name, priority }: ClientOperations['control']['input']) =>
        steering.prioritise(name, priority),
    },
  };
};

function noIndex(): StudioError {
  return new StudioError('NO_INDEX', 'This client is linked to no index.', 'Link it to an index server.');
}
