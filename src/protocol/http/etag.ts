/** Entity tags (RFC 9110, section 8.8.3). */

/** Opaque part, quotes included, without `W/`. */
export function opaqueTag(etag: string): string {
  return etag.startsWith('W/') ? etag.slice(2) : etag;
}

export function isStrong(etag: string): boolean {
  return !etag.startsWith('W/') && isEntityTag(etag);
}

export function isEntityTag(text: string): boolean {
  return /^(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"$/.test(text);
}

/** For If-None-Match: same opaque part, weak or not (section 8.8.3.2). */
export function weakMatch(a: string, b: string): boolean {
  return opaqueTag(a) === opaqueTag(b);
}

/** For If-Match, If-Range and combining parts: both strong and the same. */
export function strongMatch(a: string, b: string): boolean {
  return a === b && isStrong(a);
}

/** The tags of an If-Match or If-None-Match, or '*'; what is no entity tag is left out. */
export function parseTagList(value: string): '*' | string[] {
  if (value.trim() === '*') return '*';
  const tags: string[] = [];
  // A comma may stand inside of a tag, so the list is not split at commas.
  for (const match of value.matchAll(/(?:^|,)[ \t]*((?:W\/)?"[\x21\x23-\x7e\x80-\xff]*")[ \t]*(?=,|$)/g)) {
    tags.push(match[1] as string);
  }
  return tags;
}
