import { type ByteRange, formatContentRange } from './range';

/** The pieces of a multipart/byteranges reply (RFC 9110, section 14.6): texts, and ranges of the content between. */
export interface Multipart {
  contentType: string;
  /** Bytes of the whole multipart content. */
  length: number;
  parts: { head: string; range: ByteRange }[];
  end: string;
}

/** @param boundary must not occur in the content: take it from dice that the sender of the content can't guess */
export function multipartByteranges(
  ranges: readonly ByteRange[],
  size: number,
  partType: string,
  boundary: string,
): Multipart {
  const parts = ranges.map((range, at) => ({
    head: `${at === 0 ? '' : '\r\n'}--${boundary}\r\nContent-Type: ${partType}\r\nContent-Range: ${formatContentRange(range, size)}\r\n\r\n`,
    range,
  }));
  const end = `\r\n--${boundary}--\r\n`;
  const length = parts.reduce(
    (sum, { head, range }) => sum + head.length + range.end - range.start,
    end.length,
  );
  return { contentType: `multipart/byteranges; boundary=${boundary}`, length, parts, end };
}
