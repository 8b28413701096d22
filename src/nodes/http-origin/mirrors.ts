/** What an origin tells of other origins with the same files, for clients that download from several at once. */
import { type Endpoint, formatEndpoint } from '../../contract/endpoint';
import { pathOfFile } from '../../protocol/http/target';
import { formatDuplicateLinks, formatMetalink, type MetalinkFile } from '../../protocol/metalink';
import { layoutOf, pieceLength, pieceOffset } from '../../protocol/pieces/layout';
import type { Hashing, ReadableFile } from '../../runtime/context';
import { wholeOf } from '../engine/piece-hashes';
import { readFully } from '../shared/whole-file';

const ENDING = '.meta4';

/** The path of the file that a Metalink's path describes; null: it is no such path. */
export function describedPath(path: string): string | null {
  const [plain = ''] = path.split('?');
  return plain.endsWith(`/${ENDING}`) || !plain.endsWith(ENDING) ? null : plain.slice(0, -ENDING.length);
}

/** The Link fields of a file: its mirrors in the order of preference, and its Metalink (RFC 6249). */
export function mirrorLinks(name: string, mirrors: readonly Endpoint[]): string[] {
  const path = pathOfFile(name);
  return formatDuplicateLinks(urlsOf(path, mirrors), `${path}${ENDING}`);
}

/** The Metalink of a file (RFC 5854). @param own where the client reached this origin */
export function metalinkOf(
  name: string,
  own: Endpoint,
  mirrors: readonly Endpoint[],
  described: Pick<MetalinkFile, 'size' | 'hashes' | 'pieces'>,
): string {
  return formatMetalink([
    { name: name.replace(/^.*\//s, ''), ...described, urls: urlsOf(pathOfFile(name), [own, ...mirrors]) },
  ]);
}

/**
 * Size and SHA-256 of a file, as a whole and piece by piece, in one pass.
 * @throws an error of code 'CHANGED' when the file becomes shorter meanwhile
 */
export async function describeFile(
  file: ReadableFile,
  hashing: Hashing,
): Promise<Pick<MetalinkFile, 'size' | 'pieces'> & { sha256: Uint8Array }> {
  const layout = layoutOf(file.size);
  const hasher = hashing.hasher('sha256', 2 * file.size);
  const hex: string[] = [];
  try {
    let buffer: Buffer = Buffer.allocUnsafeSlow(Math.min(layout.pieceSize, file.size));
    for (let piece = 0; piece < layout.count; piece++) {
      const block = buffer.subarray(0, pieceLength(layout, piece));
      await readFully(file, block, pieceOffset(layout, piece));
      const hashed = await hasher.hash(block);
      hex.push(hashed.hex);
      buffer = wholeOf((await hasher.update(hashed.bytes)).bytes);
    }
    const pieces = hex.length > 0 ? { hash: 'sha-256' as const, length: layout.pieceSize, hex } : null;
    return { size: file.size, pieces, sha256: Buffer.from(await hasher.digest(), 'hex') };
  } finally {
    hasher.close();
  }
}

function urlsOf(path: string, at: readonly Endpoint[]): MetalinkFile['urls'] {
  return at.map((endpoint, index) => ({
    url: `http://${formatEndpoint(endpoint)}${path}`,
    priority: index + 1,
  }));
}
