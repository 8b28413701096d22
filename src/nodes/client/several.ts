import type { StudioError } from '../../contract/errors';
import { formatBytes } from '../../contract/format-bytes';
import type { Folder } from '../../runtime/context';
import { MultiSourceDownload } from '../engine/download';
import { plainProgress } from '../engine/download-view';
import { finishFile } from '../engine/part-file';
import type { PieceHashes } from '../engine/piece-hashes';
import { removeRecord } from '../engine/resume-record';
import { fetchPieceHashes, spanSource } from '../engine/span-source';
import type { Steered } from '../engine/steering';
import { reasonOf } from '../shared/error-text';
import type { DownloadPorts } from './download';
import type { Located, LocatedHolder } from './locator';
import type { DownloadResult } from './manifest';
import type { PartialFiles } from './partial-file';
import { verified } from './verified';

/** Smaller files are over before a second server has answered; they come from the one that the index chooses. */
const MIN_SIZE = 8 * 1024 * 1024;
/** Servers whose hashes are compared before one of them is believed. */
const WITNESSES = 2;

export interface SeveralPorts extends DownloadPorts {
  steered: Steered;
  /** Whether what has arrived is kept when the download is cancelled. */
  keepPartial(): boolean;
}

/**
 * Downloads a large file from several content servers at once. Null when that is not possible here (a foreign
 * index or servers, a small file, a single holder) or did not work: then one server after the other is used.
 * @throws the signal's reason, or a StudioError of the disk
 */
export async function downloadFromSeveral(
  name: string,
  located: Located | null,
  folder: Folder,
  partials: PartialFiles,
  ports: SeveralPorts,
): Promise<DownloadResult | null> {
  const { context, config, locator, steered, signal, keepPartial } = ports;
  if (config.strict || config.maxSources < 2 || !located || !mayBeOneOfSeveral(located)) return null;
  const known = await locator.holders(name, signal).catch(() => null);
  signal.throwIfAborted();
  const holders = known ? alike(known.rows) : [];
  if (!known || holders.length < 2) return null;
  const file = { name: known.wireName, size: holders[0]?.size as number };
  const agreed = await agreedHashes(holders, file, ports);
  if (!agreed) return null;
  const { hashes } = agreed;
  const expected = holders.find((holder) => holder.sha256 !== undefined)?.sha256;

  const reserved = await partials.reserve(folder, name);
  let download: MultiSourceDownload | undefined;
  const report = (): void => {
    if (download)
      ports.report({ ...plainProgress(download.view()), partial: `${folder.path}/${reserved.name}.part` });
  };
  try {
    download = new MultiSourceDownload(
      context,
      {
        name: reserved.name,
        folder,
        layout: hashes.layout,
        verification: { kind: 'pieces', hashes: hashes.hashes, root: hashes.root },
        wholeDigest: true,
        identity: `root:${hashes.root.toString('hex')}`,
        order: 'sequential',
        timeoutMs: config.timeoutMs,
        patienceMs: 0,
        maxSources: config.maxSources,
        limit: 0,
        shares: steered.shares,
        priority: steered.priority,
      },
      {
        event: (type, text, level, subject) => context.telemetry.event({ type, text, level, subject }),
        changed: report,
      },
    );
    steered.started(download);
    for (const { serverId, host, tcpPort } of holders) {
      download.add(spanSource(context, serverId, { host, port: tcpPort }, file));
    }
    context.telemetry.event({
      type: 'transfer-started',
      subject: name,
      text: `${name} comes from ${holders.map(({ serverId }) => serverId).join(', ')} at once.`,
    });
    const outcome = await download.run(signal);
    if (expected !== undefined && outcome.sha256 !== expected) {
      await discard(folder, reserved.name);
      throw new Error('the hashes of its pieces were not those of the file that was added');
    }
    const how = expected !== undefined || agreed.byTwo ? verified.byIndex : verified.bySender;
    const saved = await finishFile(folder, reserved.name);
    context.telemetry.count('bytesDownloaded', file.size);
    context.telemetry.event({
      type: 'transfer-finished',
      subject: name,
      level: 'good',
      text: `${name} is saved (${formatBytes(file.size)}, ${how} verified).`,
    });
    return {
      ...plainProgress(outcome.view),
      path: `${folder.path}/${saved}`,
      size: file.size,
      sha256: outcome.sha256 as string,
      verified: how,
    };
  } catch (error) {
    if (signal.aborted && !keepPartial()) await discard(folder, reserved.name);
    if (signal.aborted || (error as StudioError).code === 'DISK') throw error;
    context.telemetry.event({
      type: 'reroute',
      subject: name,
      level: 'warning',
      text: `${name} goes on from one server after the other: ${reasonOf(error)}`,
    });
    return null;
  } finally {
    reserved.release();
  }
}

function mayBeOneOfSeveral({ features, size }: Pick<Located, 'features' | 'size'>): boolean {
  return features.includes('spans') && size >= MIN_SIZE;
}

/** Those of our kind that announced the same size: the size that most of them have; nobody whose bytes are others. */
function alike(rows: readonly LocatedHolder[]): LocatedHolder[] {
  const able = rows.filter(mayBeOneOfSeveral);
  const votes = new Map<number, number>();
  for (const { size } of able) votes.set(size, (votes.get(size) ?? 0) + 1);
  const [winner] = [...votes].sort(([, a], [, b]) => b - a)[0] ?? [];
  const same = able.filter(({ size }) => size === winner);
  const vouchedFor = same.filter(({ sha256 }) => sha256 !== undefined);
  return vouchedFor.length > 0 ? vouchedFor : same;
}

/** The hashes that two servers agree on, or what the first can tell; null when nobody answers. */
async function agreedHashes(
  holders: readonly LocatedHolder[],
  file: { name: string; size: number },
  { context, config, signal }: SeveralPorts,
): Promise<{ hashes: PieceHashes; byTwo: boolean } | null> {
  const heard: PieceHashes[] = [];
  for (let from = 0; from < holders.length; from += WITNESSES) {
    const asked = holders.slice(from, from + WITNESSES).map(({ host, tcpPort }) =>
      fetchPieceHashes(context, { host, port: tcpPort }, file, {
        timeoutMs: config.timeoutMs,
        signal,
      }).catch(() => null),
    );
    for (const hashes of await Promise.all(asked)) {
      if (!hashes) continue;
      if (heard.some(({ root }) => root.equals(hashes.root))) return { hashes, byTwo: true };
      heard.push(hashes);
    }
    signal.throwIfAborted();
  }
  return heard[0] ? { hashes: heard[0], byTwo: false } : null;
}

async function discard(folder: Folder, name: string): Promise<void> {
  await folder.remove(`${name}.part`).catch(() => {});
  await removeRecord(folder, name);
}
