/** A node in the foreground of a terminal: READY when it serves, Ctrl-C drains, a second one stops. */
import { fromErrorShape } from '../contract/errors';
import type { NodeManifest } from '../contract/manifest';
import type { FromNode, NodeTelemetry } from '../contract/node-port';
import { formatPorts } from './flags';
import { type HostedNode, hostNode } from './host-node';
import { printable, writeLine } from './printable';
import { friendlyStartError } from './start-error';

/** How long `stop` may take before the program ends all the same. */
const STOP_DEADLINE_MS = 3000;

export interface ForegroundOptions extends Omit<HostedNode, 'kind'> {
  /** Show decoded messages and debug lines too. */
  verbose: boolean;
  /** Show nothing but errors. */
  quiet: boolean;
  /**
   * Called once the node serves, for a kind that takes commands while it runs. It may return what prints beside
   * the line that a person is typing.
   */
  interact?: (node: ForegroundNode) => ((print: () => void) => void) | undefined;
}

/** A running node, for a program that talks with it. */
export interface ForegroundNode {
  /** @throws StudioError as the operation does */
  operate(
    operation: string,
    input?: unknown,
    onProgress?: (value: Record<string, unknown>) => void,
  ): Promise<unknown>;
  /** Ends the node and with it the program. */
  stop(): void;
}

interface PendingCall {
  resolve(value: unknown): void;
  reject(error: Error): void;
  onProgress: ((value: Record<string, unknown>) => void) | undefined;
}

/** Resolves to the exit code when the node has ended. */
export async function runForeground(manifest: NodeManifest, options: ForegroundOptions): Promise<number> {
  const show = new TerminalLog(options);
  let end: (code: number) => void = () => {};
  const ended = new Promise<number>((resolve) => {
    end = resolve;
  });
  const calls = new Map<number, PendingCall>();
  const post = (message: FromNode): void => {
    switch (message.type) {
      case 'ready':
        process.stdout.write(`READY ${manifest.command} ${formatPorts(message.ports)}\n`);
        show.aside = options.interact?.(node) ?? show.aside;
        return;
      case 'progress':
        return calls.get(message.call)?.onProgress?.(message.value);
      case 'result':
        calls.get(message.call)?.resolve(message.value);
        return void calls.delete(message.call);
      case 'failed':
        calls.get(message.call)?.reject(fromErrorShape(message.error));
        return void calls.delete(message.call);
      case 'telemetry':
        return show.telemetry(message.telemetry);
      case 'drained':
        return void host.receive({ type: 'stop' });
      case 'stopped':
        return end(0);
      case 'fatal':
        show.error(friendlyStartError(fromErrorShape(message.error), manifest, options.config));
        return end(1);
      default:
        return;
    }
  };
  const host = await hostNode({ kind: manifest.id, ...options }, post, options.verbose);

  let nextCall = 1;
  const node: ForegroundNode = {
    operate: (operation, input, onProgress) =>
      new Promise((resolve, reject) => {
        const call = nextCall++;
        calls.set(call, { resolve, reject, onProgress });
        void host.receive({ type: 'operate', call, operation, input });
      }),
    stop: () => void host.receive({ type: 'stop' }).catch((error) => host.fatal(error)),
  };

  let interrupts = 0;
  const interrupt = (): void => {
    interrupts++;
    if (interrupts > 2) return end(130);
    if (interrupts === 1)
      show.note('Draining: clients in progress are finished. Press Ctrl-C again to stop now.');
    void host.receive({ type: interrupts === 1 ? 'drain' : 'stop' }).catch((error) => host.fatal(error));
    if (interrupts === 2) setTimeout(() => end(1), STOP_DEADLINE_MS).unref();
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  process.on('uncaughtException', (error) => host.fatal(error));
  // Who reads the log may leave (`| head`): unhandled, each line would be a fatal error, told by one more line.
  for (const output of [process.stdout, process.stderr]) output.on('error', () => {});
  await host.start();
  return ended;
}

/** Writes to standard error, so that standard output carries results alone. */
class TerminalLog {
  aside: (print: () => void) => void = (print) => print();

  constructor(readonly options: Pick<ForegroundOptions, 'verbose' | 'quiet'>) {}

  telemetry({ events, logs, messages, dropped }: NodeTelemetry): void {
    if (this.options.quiet) return;
    const lines = [
      ...(events ?? []).map(({ at, text, level }) => ({ at, text: level === 'bad' ? `! ${text}` : text })),
      ...(logs ?? []).filter(({ level }) => level !== 'debug' || this.options.verbose),
      ...(messages ?? []).map(({ at, direction, peer, text }) => ({
        at,
        text: `${direction === 'in' ? '<' : '>'} ${peer.host}:${peer.port}  ${text}`,
      })),
    ].sort((a, b) => a.at - b.at);
    const text = lines.map((line) => `${clockTime(line.at)} ${line.text}\n`).join('');
    const more = dropped ? `… and ${dropped} more\n` : '';
    if (text !== '' || more !== '') this.aside(() => process.stderr.write(printable(text) + more));
  }

  note(text: string): void {
    if (!this.options.quiet) this.error(text);
  }

  error(text: string): void {
    this.aside(() => writeLine(process.stderr, text));
  }
}

function clockTime(at: number): string {
  return new Date(at).toTimeString().slice(0, 8);
}
