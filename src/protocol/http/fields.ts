/** Field names as they are written most often, so that reading a head allocates no lower-case copies. */
const known = new Map<string, string>();
for (const name of [
  'Accept',
  'Accept-Encoding',
  'Accept-Language',
  'Accept-Ranges',
  'Age',
  'Authorization',
  'Cache-Control',
  'Cache-Status',
  'Cache-Tag',
  'CDN-Cache-Control',
  'Connection',
  'Content-Encoding',
  'Content-Language',
  'Content-Length',
  'Content-Location',
  'Content-Range',
  'Content-Type',
  'Cookie',
  'Date',
  'ETag',
  'Expect',
  'Expires',
  'Forwarded',
  'Host',
  'If-Match',
  'If-Modified-Since',
  'If-None-Match',
  'If-Range',
  'If-Unmodified-Since',
  'Keep-Alive',
  'Last-Modified',
  'Location',
  'Max-Forwards',
  'Origin',
  'Pragma',
  'Proxy-Connection',
  'Range',
  'Referer',
  'Retry-After',
  'Server',
  'Set-Cookie',
  'TE',
  'Trailer',
  'Transfer-Encoding',
  'Upgrade',
  'User-Agent',
  'Vary',
  'Via',
  'X-Forwarded-For',
]) {
  known.set(name, name.toLowerCase());
  known.set(name.toLowerCase(), name.toLowerCase());
}

/** The form in which names are compared: lower case. */
export function lowerName(name: string): string {
  return known.get(name) ?? name.toLowerCase();
}

/**
 * The fields of a message in the order of arrival, repeated ones included (RFC 9110, section 5). Names compare
 * in lower case and keep their spelling for whoever reads them next; values are latin-1, so that no byte of an
 * unknown encoding is lost on the way through.
 */
export class Fields {
  /** Lower-case names. */
  readonly names: string[] = [];
  readonly #spellings: string[] = [];
  readonly values: string[] = [];

  static of(...pairs: (readonly [string, string])[]): Fields {
    const fields = new Fields();
    for (const [name, value] of pairs) fields.add(name, value);
    return fields;
  }

  get size(): number {
    return this.names.length;
  }

  add(name: string, value: string): this {
    this.names.push(lowerName(name));
    this.#spellings.push(name);
    this.values.push(value);
    return this;
  }

  /** Appends to the value of the last field: how a folded line is unfolded. */
  extendLast(text: string): void {
    const last = this.values.length - 1;
    if (last >= 0) this.values[last] = `${this.values[last]} ${text}`;
  }

  /** Replaces every field of that name by one, where the first stood. */
  set(name: string, value: string): this {
    const lower = lowerName(name);
    const at = this.names.indexOf(lower);
    if (at < 0) return this.add(name, value);
    this.values[at] = value;
    if (this.names.indexOf(lower, at + 1) >= 0) {
      this.#keep((field, position) => field !== lower || position === at);
    }
    return this;
  }

  delete(lower: string): this {
    if (this.names.includes(lower)) this.#keep((field) => field !== lower);
    return this;
  }

  has(lower: string): boolean {
    return this.names.includes(lower);
  }

  /** The value of the first field of that (lower-case) name. */
  first(lower: string): string | undefined {
    const at = this.names.indexOf(lower);
    return at < 0 ? undefined : this.values[at];
  }

  /** All values of that name joined by ", ", as a recipient may read them (RFC 9110, section 5.3). */
  get(lower: string): string | undefined {
    const at = this.names.indexOf(lower);
    if (at < 0) return undefined;
    let value = this.values[at] as string;
    for (
      let next = this.names.indexOf(lower, at + 1);
      next >= 0;
      next = this.names.indexOf(lower, next + 1)
    ) {
      value += `, ${this.values[next]}`;
    }
    return value;
  }

  /** Every value of that name. */
  all(lower: string): string[] {
    return this.values.filter((_, at) => this.names[at] === lower);
  }

  spelling(at: number): string {
    return this.#spellings[at] as string;
  }

  *[Symbol.iterator](): Generator<[lower: string, value: string, spelling: string]> {
    for (let at = 0; at < this.names.length; at++) {
      yield [this.names[at] as string, this.values[at] as string, this.#spellings[at] as string];
    }
  }

  /** A copy of those fields that `wanted` accepts; of all without it. */
  copy(wanted?: (lower: string) => boolean): Fields {
    const copy = new Fields();
    for (let at = 0; at < this.names.length; at++) {
      const name = this.names[at] as string;
      if (wanted && !wanted(name)) continue;
      copy.names.push(name);
      copy.#spellings.push(this.#spellings[at] as string);
      copy.values.push(this.values[at] as string);
    }
    return copy;
  }

  /** `Name: value\r\n` for each. */
  toString(): string {
    let text = '';
    for (let at = 0; at < this.names.length; at++) text += `${this.#spellings[at]}: ${this.values[at]}\r\n`;
    return text;
  }

  toJSON(): [string, string][] {
    return this.names.map((_, at) => [this.#spellings[at] as string, this.values[at] as string]);
  }

  #keep(wanted: (lower: string, position: number) => boolean): void {
    let kept = 0;
    for (let at = 0; at < this.names.length; at++) {
      if (!wanted(this.names[at] as string, at)) continue;
      this.names[kept] = this.names[at] as string;
      this.#spellings[kept] = this.#spellings[at] as string;
      this.values[kept] = this.values[at] as string;
      kept++;
    }
    this.names.length = this.#spellings.length = this.values.length = kept;
  }
}
