/**
 * As much of XML 1.0 as documents of data need: elements, attributes, text, CDATA, the five named entities and
 * character references. Document types are refused: they are how small documents are made to cost gigabytes.
 */

/** The text is no XML that is understood here. */
export class XmlError extends Error {
  override readonly name = 'XmlError';
}

export interface XmlElement {
  /** Without its prefix. */
  name: string;
  attributes: Record<string, string>;
  children: XmlElement[];
  /** All character data directly inside, joined. */
  text: string;
}

const MAX_DEPTH = 64;
const MAX_ELEMENTS = 2_000_000;
const NAME = /[\p{L}_:][\p{L}\p{N}_:.-]*/uy;

const entities: Record<string, string> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

/** @throws XmlError */
export function parseXml(text: string): XmlElement {
  return new XmlParser(text).document();
}

export function escapeXml(text: string): string {
  return text.replace(/[<>&"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

class XmlParser {
  readonly #text: string;
  #at = 0;
  #elements = 0;

  constructor(text: string) {
    this.#text = text.startsWith('\ufeff') ? text.slice(1) : text;
  }

  document(): XmlElement {
    this.#skipMisc();
    const root = this.#element(0);
    this.#skipMisc();
    if (this.#at < this.#text.length) throw new XmlError('There is something after the end of the document.');
    return root;
  }

  #element(depth: number): XmlElement {
    if (depth > MAX_DEPTH) throw new XmlError('Elements are nested too deeply.');
    if (++this.#elements > MAX_ELEMENTS) throw new XmlError('There are too many elements.');
    this.#expect('<');
    const fullName = this.#name();
    const element: XmlElement = { name: localName(fullName), attributes: {}, children: [], text: '' };
    if (this.#attributes(element)) return element;
    for (;;) {
      const markup = this.#text.indexOf('<', this.#at);
      if (markup < 0) throw new XmlError(`<${fullName}> is not closed.`);
      element.text += this.#decode(this.#text.slice(this.#at, markup));
      this.#at = markup;
      if (this.#take('</')) {
        if (this.#name() !== fullName) throw new XmlError(`<${fullName}> is closed by another name.`);
        this.#skipSpace();
        this.#expect('>');
        return element;
      }
      if (this.#take('<![CDATA[')) element.text += this.#until(']]>');
      else if (!this.#skipComment()) element.children.push(this.#element(depth + 1));
    }
  }

  /** Reads up to the end of the start tag. True: the element is empty. */
  #attributes(element: XmlElement): boolean {
    for (;;) {
      const space = this.#skipSpace();
      if (this.#take('/>')) return true;
      if (this.#take('>')) return false;
      if (!space) throw new XmlError('There is no space before an attribute.');
      const name = localName(this.#name());
      this.#skipSpace();
      this.#expect('=');
      this.#skipSpace();
      const quote = this.#take('"') ? '"' : this.#take("'") ? "'" : null;
      if (quote === null) throw new XmlError(`The attribute ${name} has no quotes.`);
      element.attributes[name] = this.#decode(this.#until(quote));
    }
  }

  #skipMisc(): void {
    for (;;) {
      this.#skipSpace();
      if (this.#text.startsWith('<!DOCTYPE', this.#at))
        throw new XmlError('A document type is not accepted.');
      if (!this.#skipComment()) return;
    }
  }

  /** Comments and processing instructions. */
  #skipComment(): boolean {
    if (this.#take('<!--')) this.#until('-->');
    else if (this.#take('<?')) this.#until('?>');
    else return false;
    return true;
  }

  #decode(raw: string): string {
    if (!raw.includes('&')) return raw;
    return raw.replace(/&(?:#x([0-9a-fA-F]{1,6})|#(\d{1,7})|(\w+));?/g, (whole, hex, decimal, name) => {
      const code = hex ? Number.parseInt(hex, 16) : decimal ? Number(decimal) : null;
      if (code !== null && code > 0 && code <= 0x10ffff) return String.fromCodePoint(code);
      const named = name && Object.hasOwn(entities, name) ? entities[name] : undefined;
      if (named === undefined) throw new XmlError(`${whole} stands for nothing.`);
      return named;
    });
  }

  #name(): string {
    NAME.lastIndex = this.#at;
    const name = NAME.exec(this.#text)?.[0];
    if (name === undefined) throw new XmlError('A name is expected.');
    this.#at += name.length;
    return name;
  }

  #until(end: string): string {
    const at = this.#text.indexOf(end, this.#at);
    if (at < 0) throw new XmlError(`${end} is missing.`);
    const text = this.#text.slice(this.#at, at);
    this.#at = at + end.length;
    return text;
  }

  #take(text: string): boolean {
    if (!this.#text.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  #expect(text: string): void {
    if (!this.#take(text)) throw new XmlError(`"${text}" is expected.`);
  }

  #skipSpace(): boolean {
    const before = this.#at;
    while (/\s/.test(this.#text[this.#at] ?? '')) this.#at++;
    return this.#at > before;
  }
}

function localName(name: string): string {
  return name.slice(name.lastIndexOf(':') + 1);
}
