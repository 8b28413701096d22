/**
 * Text that others had a part in, fit for a terminal. There a control character is obeyed: it moves the cursor, sets
 * the title or hides a line. So each but the line's end is shown as its escape.
 */
export function printable(text: string): string {
  return text.replace(/(?!\n)\p{Cc}/gu, (control) => {
    const code = control.charCodeAt(0).toString(16).padStart(2, '0');
    return `\\x${code}`;
  });
}

/** Writes a line that others had a part in. */
export function writeLine(to: NodeJS.WritableStream, text: string): void {
  to.write(`${printable(text)}\n`);
}
