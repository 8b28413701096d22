/** A file from several HTTP servers at once, as a Metalink describes it (RFC 5854) or HTTP fields do (RFC 6249). */
import { StudioError } from '../../contract/errors';
import { formatBytes } from '../../contract/format-bytes';
import type { Priority } from '../../contract/priority';
import { Fields } from '../../protocol/http/fields';
import { HeadReader } from '../../protocol/http/head-reader';
import { parseResponseHead, type ResponseHead } from '../../protocol/http/response-head';
import { requestHead } from '../../protocol/http/serialise';
import { isInterim } from '../../protocol/http/status';
import {
  describedBy,
  duplicatesIn,
  type HashName,
  hashNames,
  type MetalinkFile,
  parseDigestField,
  parseLinkField,
  parseMetalink,
} from '../../protocol/metalink';
import { isSoundLayout, layoutOf } from '../../protocol/pieces/layout';
import type { Shares } from '../../protocol/pieces/shares';
import type { Folder, HashAlgorithm, NodeContext } from '../../runtime/context';
import { reasonOf, sentenceOf } from '../shared/error-text';
import { httpGet } from '../shared/http-get';
import { type DownloadListener, type DownloadOutcome, MultiSourceDownload } from './download';
import { httpLocation, httpSource } from './http-source';
import { finishFile } from './part-file';
import { HASH_BYTES, rootHash } from './piece-hashes';
import type { Verification } from './verification';

const HEAD_MS = 5000;
const METALINK_LIMITS = { timeoutMs: 10_000, maxBytes: 64 * 1024 * 1024 };
const MAX_PIECES = 1 << 20;
const HEAD_LIMITS = { maxStartLine: 8192, maxHeadBytes: 64 * 1024, maxFields: 200 };

const algorithms: Record<HashName, HashAlgorithm> = {
  'sha-512': 'sha512',
  'sha-256': 'sha256',
  'sha-1': 'sha1',
  md5: 'md5',
};

export interface MirrorOptions {
  folder: Folder;
  file: MetalinkFile;
  timeoutMs: number;
  maxSources: number;
  /** Bytes per second; 0: no limit. */
  limit: number;
  listener: DownloadListener;
  signal: AbortSignal;
  /** Computes the SHA-256 of the whole as well, where pieces are verified one by one. */
  wholeDigest?: boolean;
  /** Throws what has arrived away when the download does not succeed. */
  discardPartial?: boolean;
  /** Of the node: what its downloads get of a server that several use. */
  shares?: Shares;
  /** Undefined: as it was when it was last begun, or else normal. */
  priority?: Priority | undefined;
  /** Called with the running download, to be watched and steered. */
  started?(download: MultiSourceDownload): void;
}

export interface MirrorOutcome extends DownloadOutcome {
  /** Name of the saved file below the folder. */
  savedAs: string;
  size: number;
}

/**
 * Downloads from all http mirrors of the file in parallel.
 * @throws StudioError: NO_SOURCE when no mirror serves it, CORRUPT when the hash is wrong (the file is gone then)
 */
export async function downloadFromMirrors(
  context: NodeContext,
  options: MirrorOptions,
): Promise<MirrorOutcome> {
  const { file, folder, signal } = options;
  const size = file.size ?? (await sizeFromMirrors(context, file, signal));
  const { verification, pieceSize, identity } = verificationOf(file, size);
  const layout = layoutOf(size, pieceSize);
  // What a server says decides how much memory the map of the pieces takes.
  if (!isSoundLayout(layout, MAX_PIECES))
    throw new StudioError(
      'TOO_LARGE',
      `${file.name} is said to have ${formatBytes(size)}: that is too much.`,
    );
  const download = new MultiSourceDownload(
    context,
    {
      name: file.name,
      folder,
      layout,
      verification,
      identity,
      order: 'sequential',
      timeoutMs: options.timeoutMs,
      patienceMs: 0,
      maxSources: options.maxSources,
      limit: options.limit,
      shares: options.shares,
      priority: options.priority,
      ...(options.wholeDigest ? { wholeDigest: true } : {}),
      ...(options.discardPartial ? { discardPartial: true } : {}),
    },
    options.listener,
  );
  for (const { url } of file.urls) {
    const location = httpLocation(url);
    if (location) download.add(httpSource(context, location, size));
  }
  options.started?.(download);
  const outcome = await download.run(signal);
  return { ...outcome, savedAs: await finishFile(folder, file.name), size };
}

/**
 * Everything that can be learned about a URL before its content is fetched: size, digest and mirrors from its
 * own fields, and from the Metalink it points to.
 */
export async function describeUrl(
  context: NodeContext,
  url: string,
  name: string,
  signal: AbortSignal,
): Promise<MetalinkFile> {
  const { status, fields } = await head(context, url, signal);
  if (status !== 200) throw new StudioError('HTTP_STATUS', `${url} answers ${status}.`);
  const links = parseLinkField(fields.get('link') ?? '');
  const metalink = describedBy(links);
  if (metalink !== null) {
    const described = await fetchMetalink(context, new URL(metalink, url).href, name).catch(() => null);
    if (described) return described;
  }
  const digest = parseDigestField(fields.get('repr-digest') ?? fields.get('digest') ?? '');
  const length = fields.first('content-length');
  const own = { url, priority: 1 };
  const mirrors = duplicatesIn(links).map((mirror) => ({ ...mirror, url: new URL(mirror.url, url).href }));
  return {
    name,
    size: length !== undefined && /^\d{1,16}$/.test(length) ? Number(length) : null,
    hashes: digest ? { [digest.hash]: digest.hex } : {},
    pieces: null,
    urls: [own, ...mirrors.filter((mirror) => mirror.url !== url)],
  };
}

/** The description of a file in a Metalink document; of the only one there, whatever its name. */
export async function fetchMetalink(
  context: NodeContext,
  url: string,
  name: string,
): Promise<MetalinkFile | null> {
  const files = parseMetalink(Buffer.from(await httpGet(context, url, METALINK_LIMITS)).toString());
  return files.find((file) => file.name === name) ?? (files.length === 1 ? (files[0] as MetalinkFile) : null);
}

/** The best check that the description allows. */
function verificationOf(
  { pieces, hashes, urls }: MetalinkFile,
  size: number,
): { verification: Verification; pieceSize: number | undefined; identity: string } {
  if (pieces?.hash === 'sha-256') {
    const layout = layoutOf(size, pieces.length);
    if (isSoundLayout(layout, MAX_PIECES) && layout.count === pieces.hex.length) {
      const bytes = Buffer.from(pieces.hex.join(''), 'hex');
      const root = rootHash(layout, bytes.subarray(0, layout.count * HASH_BYTES));
      return {
        verification: { kind: 'pieces', hashes: bytes, root },
        pieceSize: pieces.length,
        identity: `root:${root.toString('hex')}`,
      };
    }
  }
  const best = hashNames.find((name) => hashes[name] !== undefined);
  if (best) {
    const hex = hashes[best] as string;
    return {
      verification: { kind: 'digest', algorithm: algorithms[best], hex },
      pieceSize: undefined,
      identity: `${best}:${hex}`,
    };
  }
  return {
    verification: { kind: 'size' },
    pieceSize: undefined,
    identity: `urls:${urls.map(({ url }) => url).join(' ')}`,
  };
}

async function sizeFromMirrors(
  context: NodeContext,
  { urls, name }: MetalinkFile,
  signal: AbortSignal,
): Promise<number> {
  const reasons: string[] = [];
  for (const { url } of urls) {
    try {
      const { status, fields } = await head(context, url, signal);
      const length = fields.first('content-length');
      if (status === 200 && length !== undefined && /^\d{1,16}$/.test(length)) return Number(length);
      reasons.push(`${url}: ${status === 200 ? 'it does not tell the size' : `it answers ${status}`}`);
    } catch (error) {
      signal.throwIfAborted();
      reasons.push(`${url}: ${reasonOf(error)}`);
    }
  }
  throw new StudioError(
    'NO_SOURCE',
    `Nobody serves ${name}. ${sentenceOf(...reasons)}`,
    'Check the addresses, or try again later.',
  );
}

/** A HEAD request on a connection of its own, asking for a digest (RFC 9530). */
async function head(context: NodeContext, url: string, signal: AbortSignal): Promise<ResponseHead> {
  const location = httpLocation(url);
  if (!location) throw new StudioError('BAD_URL', `${url} is no http address.`);
  const connection = await context.net.connect(location.at, { signal, timeoutMs: HEAD_MS });
  const reader = new HeadReader(HEAD_LIMITS, { missingLastLineFeed: 'anywhere' });
  const fields = Fields.of(
    ['Host', location.authority],
    ['Want-Repr-Digest', 'sha-256=10'],
    ['Want-Digest', 'sha-256'],
    ['Connection', 'close'],
  );
  try {
    return await new Promise<ResponseHead>((resolve, reject) => {
      const timer = context.clock.after(HEAD_MS, () => reject(new Error('it does not answer')));
      const abort = (): void => reject(signal.reason as Error);
      signal.addEventListener('abort', abort, { once: true });
      const settled = (): void => {
        timer.cancel();
        signal.removeEventListener('abort', abort);
      };
      connection.handle({
        data: (bytes) => {
          try {
            for (let at = 0; at < bytes.length; ) {
              const { head: text, next } = reader.read(bytes, at);
              at = next;
              if (text === null) continue;
              const answer = parseResponseHead(text, HEAD_LIMITS.maxFields);
              if (isInterim(answer.status)) continue;
              settled();
              return resolve(answer);
            }
          } catch (error) {
            settled();
            reject(error as Error);
          }
        },
        close: (error) => {
          settled();
          reject(error ?? Object.assign(new Error('It closed the connection.'), { code: 'ECLOSED' }));
        },
      });
      connection.write(requestHead('HEAD', location.target, fields));
    });
  } finally {
    connection.destroy();
  }
}
