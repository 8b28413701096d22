/** Pieces that parsers have disagreed about: line ends, spaces, framing fields, numbers, chunk syntax. */
const fragments = [
  '\r',
  '\n',
  '\r\n',
  ' ',
  '\t',
  ':',
  ',',
  '\0',
  '\x0b',
  'Content-Length: 3\r\n',
  'Transfer-Encoding: chunked\r\n',
  'chunked',
  ' chunked',
  'HTTP/1.1',
  '0',
  '5',
  'ff',
  '+',
  '-',
  ';x=y',
  '"',
  '%00',
  'é',
  'Host: b\r\n',
  '\r\n\r\n',
  'Content-Length : 1\r\n',
  ' folded\r\n',
  'Transfer-Encoding: xchunked\r\n',
  'Transfer-Encoding:\x0bchunked\r\n',
];

/** One of the messages with one to three changes: bytes and fragments inserted, removed or replaced. */
export function mutate(messages: readonly string[], random: () => number): Buffer {
  const draw = (sides: number): number => Math.floor(random() * sides);
  let text = messages[draw(messages.length)] as string;
  for (let changes = 1 + draw(3); changes > 0; changes--) {
    const at = draw(text.length + 1);
    const removed = draw(3) === 0 ? 1 + draw(6) : 0;
    const added =
      draw(4) === 0 ? String.fromCharCode(draw(256)) : (fragments[draw(fragments.length)] as string);
    text = text.slice(0, at) + (draw(3) === 0 ? '' : added) + text.slice(at + removed);
  }
  return Buffer.from(text, 'latin1');
}

/** Requests to mutate: with and without content, of both minor versions, one behind another. */
export const requestSeeds = [
  'GET /a HTTP/1.1\r\nHost: a\r\n\r\n',
  'POST /b?c=d HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbodyGET /next HTTP/1.1\r\nHost: a\r\n\r\n',
  'PUT /e HTTP/1.1\r\nHost: a:80\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\nGET /next HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET /f HTTP/1.0\r\nConnection: keep-alive\r\nX-A: 1\r\nX-A: 2\r\n\r\n',
  'DELETE /g HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n',
];

/** Replies to mutate: every way to end content, interim replies, trailers, and one reply behind another. */
export const replySeeds = [
  'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n3;a=b\r\nabc\r\n0\r\nChecksum: 1\r\n\r\n',
  'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody',
  'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil the end',
  'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 4\r\n\r\nbody',
  'HTTP/1.1 204 No Content\r\n\r\n',
  'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\nContent-Length: 4\r\n\r\n',
  'HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-3/9\r\nETag: "a"\r\nContent-Length: 4\r\n\r\nbody',
  'HTTP/1.1 200 OK\r\nCache-Control: max-age=60, no-cache="x"\r\nVary: Foo\r\nAge: 1\r\nContent-Length: 4\r\n\r\nbody',
  'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbodyHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil',
];
