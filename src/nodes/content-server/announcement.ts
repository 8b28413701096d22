import { percentEncodeName } from '../../protocol/file-name';

/** One file under the name by which an index is told of it. */
export interface AnnouncedFile {
  wireName: string;
  size: number;
}

export interface Announcement {
  files: AnnouncedFile[];
  /** Files that are announced under another name, or not at all, and why. */
  heldBack: { name: string; reason: string }[];
}

/** The panel shows so many; the rest would be more of the same. */
const MAX_HELD_BACK = 200;

/**
 * What a foreign index is told: it takes a space for the end of a name, so that such a name would cost all
 * the files behind it. They are announced percent-encoded, and served under both names.
 *
 * @param nonAscii the index was seen to break on names beyond ASCII as well
 */
export function announceToForeign(
  files: Iterable<{ name: string; size: number }>,
  nonAscii: boolean,
): Announcement {
  const announced = new Map<string, number>();
  const encoded: { name: string; wireName: string; size: number }[] = [];
  for (const { name, size } of files) {
    const wireName = percentEncodeName(name, { spaces: true, nonAscii });
    if (wireName === name) announced.set(name, size);
    else encoded.push({ name, wireName, size });
  }
  const heldBack: Announcement['heldBack'] = [];
  for (const { name, wireName, size } of encoded) {
    const taken = announced.has(wireName);
    if (!taken) announced.set(wireName, size);
    if (heldBack.length < MAX_HELD_BACK) heldBack.push({ name, reason: reasonFor(name, wireName, taken) });
  }
  return { files: [...announced].map(([wireName, size]) => ({ wireName, size })), heldBack };
}

function reasonFor(name: string, wireName: string, taken: boolean): string {
  const why = name.includes(' ') ? 'names with spaces' : 'names beyond ASCII';
  return taken
    ? `Not announced: this index cannot take ${why}, and another file is called ${wireName}.`
    : `Announced as ${wireName}: this index cannot take ${why}.`;
}
