/** Reason phrases (RFC 9110, section 15, and the registry of status codes). */
const phrases: Readonly<Record<number, string>> = {
  100: 'Continue',
  101: 'Switching Protocols',
  102: 'Processing',
  103: 'Early Hints',
  200: 'OK',
  201: 'Created',
  202: 'Accepted',
  203: 'Non-Authoritative Information',
  204: 'No Content',
  205: 'Reset Content',
  206: 'Partial Content',
  300: 'Multiple Choices',
  301: 'Moved Permanently',
  302: 'Found',
  303: 'See Other',
  304: 'Not Modified',
  307: 'Temporary Redirect',
  308: 'Permanent Redirect',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  410: 'Gone',
  411: 'Length Required',
  412: 'Precondition Failed',
  413: 'Content Too Large',
  414: 'URI Too Long',
  416: 'Range Not Satisfiable',
  417: 'Expectation Failed',
  421: 'Misdirected Request',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  451: 'Unavailable For Legal Reasons',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
  505: 'HTTP Version Not Supported',
  508: 'Loop Detected',
  // Not registered; what a proxy of the seed sends when it cannot reach the origin.
  523: 'Origin Is Unreachable',
};

export function reasonPhrase(status: number): string {
  return phrases[status] ?? 'Unknown';
}

/** A status whose meaning this implementation knows, as `must-understand` asks (RFC 9111, section 5.2.2.3). */
export function isUnderstood(status: number): boolean {
  return status >= 200 && status !== 523 && phrases[status] !== undefined;
}

/** 1xx: more is to come (RFC 9110, section 15.2). 101 ends HTTP on the connection and is final in that sense. */
export function isInterim(status: number): boolean {
  return status >= 100 && status < 200 && status !== 101;
}

/** Replies that never have content, whatever their fields say (RFC 9112, section 6.3, item 1). */
export function hasNoContent(status: number): boolean {
  return status < 200 || status === 204 || status === 304;
}
