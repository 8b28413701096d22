import { StudioError } from '../../contract/errors';
import type { ResponseHead } from '../../protocol/http/response-head';
import type { HttpUri } from '../../protocol/http/target';
import type { MetalinkFile } from '../../protocol/metalink';
import type { NodeContext } from '../../runtime/context';
import type { MultiSourceDownload } from '../engine/download';
import { type DownloadView, plainProgress } from '../engine/download-view';
import { describeUrl, downloadFromMirrors, fetchMetalink } from '../engine/mirror-download';
import { reasonOf } from '../shared/error-text';
import { type DownloadParts, redirectMark } from './download';
import type { DownloadProgress, DownloadResult, HttpClientConfig } from './manifest';
import { fileNameFor } from './reference';
import { type Whereabouts, whereaboutsOf } from './whereabouts';

const METALINK_ENDING = '.meta4';
/** A Metalink is used whole when nobody said how many servers at once. */
const DEFAULT_SOURCES = 4;
/** Servers that are asked what they have, at most. */
const MAX_CANDIDATES = 50;

/**
 * Downloads from several servers at once: from those that a Metalink (`….meta4`) names, from configured mirrors,
 * and from those that the server itself, or a balancer on the way to it, names. Null when there are no two that
 * certainly have the same file.
 * @param tell is called with each redirect
 * @throws StudioError, or the signal's reason
 */
export async function downloadFromSeveral(
  { context, upstream, config, folder, scope, steered, sources }: DownloadParts,
  uri: HttpUri,
  tell: (head: ResponseHead, uri: HttpUri) => void,
): Promise<DownloadResult | null> {
  if (config.proxy.length > 0) return null;
  const isMetalink = uri.path.endsWith(METALINK_ENDING);
  const maxSources = sources ?? Math.max(config.maxSources, config.mirrors.length + 1);
  if (!isMetalink && maxSources < 2) return null;
  const redirects: DownloadProgress['marks'] = [];
  const redirected = (head: ResponseHead, from: HttpUri, to: HttpUri): void => {
    tell(head, from);
    redirects.push(redirectMark(context, from, to));
  };
  const file = isMetalink
    ? await readMetalink(context, uri)
    : await gather(
        context,
        config,
        await whereaboutsOf(upstream, uri, scope.signal, redirected),
        scope.signal,
      );
  if (!file) return null;
  const progressOf = (view: DownloadView): DownloadProgress => {
    const progress = plainProgress(view);
    return { ...progress, marks: [...redirects, ...progress.marks] };
  };
  let download: MultiSourceDownload | undefined;
  const outcome = await downloadFromMirrors(context, {
    folder,
    file,
    timeoutMs: config.timeoutMs,
    maxSources: sources ?? Math.max(maxSources, isMetalink ? DEFAULT_SOURCES : 1),
    limit: 0,
    wholeDigest: true,
    signal: scope.signal,
    shares: steered.shares,
    priority: steered.priority,
    started: (running) => {
      download = running;
      steered.started(running);
    },
    listener: {
      event: (type, text, level, subject) => context.telemetry.event({ type, text, level, subject }),
      changed: () => {
        if (download) scope.progress({ ...progressOf(download.view()) });
      },
    },
  });
  return {
    ...progressOf(outcome.view),
    path: `${folder.path}/${outcome.savedAs}`,
    size: outcome.size,
    sha256: outcome.sha256 ?? '',
    verified: outcome.verified === 'size' ? 'size' : 'size and hash',
  };
}

async function readMetalink(context: NodeContext, uri: HttpUri): Promise<MetalinkFile> {
  const url = urlOf(uri.authority, uri.path);
  const name = fileNameFor(uri).slice(0, -METALINK_ENDING.length);
  try {
    const file = await fetchMetalink(context, url, name);
    if (file) return file;
  } catch (error) {
    throw new StudioError('BAD_METALINK', `${url} cannot be used: ${reasonOf(error)}`);
  }
  throw new StudioError('BAD_METALINK', `${url} describes several files, and none is called ${name}.`);
}

/** The file as its server describes it, with those mirrors that say they have the same bytes. */
async function gather(
  context: NodeContext,
  config: HttpClientConfig,
  { uri, mirrors: named }: Whereabouts,
  signal: AbortSignal,
): Promise<MetalinkFile | null> {
  const name = fileNameFor(uri);
  const describe = (url: string): Promise<MetalinkFile | null> =>
    describeUrl(context, url, name, signal).catch(() => null);
  const file = await describe(urlOf(uri.authority, uri.path));
  signal.throwIfAborted();
  const digest = file?.hashes['sha-256'];
  // Without a hash nothing tells whether parts of two servers make one file.
  if (!file || (digest === undefined && !file.pieces)) return null;
  const configured = config.mirrors.map(({ host, port }) => urlOf(`${host}:${port}`, uri.path));
  const known = new Set(file.urls.map(({ url }) => url));
  const candidates = [...new Set([...configured, ...named])]
    .filter((url) => !known.has(url))
    .slice(0, MAX_CANDIDATES);
  const described = await Promise.all(candidates.map(describe));
  const mirrors = candidates.filter((_, at) => {
    const other = described[at];
    return other?.size === file.size && digest !== undefined && other?.hashes['sha-256'] === digest;
  });
  const urls = [...file.urls, ...mirrors.map((url, at) => ({ url, priority: at + 2 }))];
  return urls.length < 2 ? null : { ...file, urls };
}

function urlOf(authority: string, path: string): string {
  return `http://${authority}${path}`;
}
