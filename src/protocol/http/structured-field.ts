/** Structured fields (RFC 9651), as far as Cache-Status and targeted cache control need them. */

/** A token, as opposed to a string. */
export class Token {
  constructor(readonly text: string) {}
}

export type BareItem = number | string | boolean | Token | Uint8Array;
export interface Item {
  value: BareItem | Item[];
  parameters: Map<string, BareItem>;
}

/** Reads a dictionary; null when any part of it is malformed, since then all of it is to be ignored. */
export function parseDictionary(text: string): Map<string, Item> | null {
  try {
    return new DictionaryParser(text).parse();
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

class DictionaryParser {
  #at = 0;

  constructor(readonly text: string) {}

  parse(): Map<string, Item> {
    const members = new Map<string, Item>();
    this.#skip(' ');
    while (this.#at < this.text.length) {
      const key = this.#key();
      const member = this.#take('=') ? this.#itemOrList() : { value: true, parameters: this.#parameters() };
      members.delete(key);
      members.set(key, member);
      this.#skip(' \t');
      if (this.#at === this.text.length) return members;
      this.#expect(',');
      this.#skip(' \t');
      if (this.#at === this.text.length) throw new SyntaxError('trailing comma');
    }
    return members;
  }

  #itemOrList(): Item {
    if (!this.#take('(')) return this.#item();
    const items: Item[] = [];
    for (;;) {
      this.#skip(' ');
      if (this.#take(')')) return { value: items, parameters: this.#parameters() };
      items.push(this.#item());
      if (this.text[this.#at] !== ' ' && this.text[this.#at] !== ')') throw new SyntaxError('inner list');
    }
  }

  #item(): Item {
    const value = this.#bareItem();
    return { value, parameters: this.#parameters() };
  }

  #parameters(): Map<string, BareItem> {
    const parameters = new Map<string, BareItem>();
    while (this.#take(';')) {
      this.#skip(' ');
      const key = this.#key();
      parameters.set(key, this.#take('=') ? this.#bareItem() : true);
    }
    return parameters;
  }

  #key(): string {
    return this.#match(/[a-z*][a-z0-9_.*-]*/y)[0];
  }

  #bareItem(): BareItem {
    const first = this.text[this.#at] ?? '';
    if (first === '"') {
      const quoted = this.#match(/"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"/y)[1] as string;
      return quoted.replace(/\\(.)/g, '$1');
    }
    if (first === '?') return this.#match(/\?([01])/y)[1] === '1';
    if (first === ':') return Buffer.from(this.#match(/:([A-Za-z0-9+/=]*):/y)[1] as string, 'base64');
    if (/[A-Za-z*]/.test(first)) return new Token(this.#match(/[A-Za-z*][!#$%&'*+.^_`|~0-9A-Za-z:/-]*/y)[0]);
    const number = this.#match(/-?(?:\d{1,12}\.\d{1,3}|\d{1,15})(?![\d.])/y)[0];
    return Number(number);
  }

  #match(pattern: RegExp): RegExpExecArray {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.text);
    if (!match) throw new SyntaxError('unexpected character');
    this.#at = pattern.lastIndex;
    return match;
  }

  #take(character: string): boolean {
    if (this.text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #expect(character: string): void {
    if (!this.#take(character)) throw new SyntaxError(`expected ${character}`);
  }

  #skip(characters: string): void {
    while (this.#at < this.text.length && characters.includes(this.text[this.#at] as string)) this.#at++;
  }
}

/** A string item (section 4.1.6); what it can't hold becomes `?`. */
export function formatString(text: string): string {
  return `"${text.replace(/[^\x20-\x7e]/g, '?').replace(/["\\]/g, '\\$&')}"`;
}
