import { StudioError } from '../contract/errors';

/**
 * Puts text on the clipboard. Where the page comes over plain http from another machine there is none to write to,
 * and the browser's older command copies what is selected.
 * @throws StudioError when the browser does neither
 */
export async function copyText(text: string): Promise<void> {
  if (window.isSecureContext) return navigator.clipboard.writeText(text);
  if (!copySelected(text))
    throw new StudioError('NOT_COPIED', 'The browser did not copy the text.', 'Save it as a file instead.');
}

function copySelected(text: string): boolean {
  const focused = document.activeElement;
  const area = document.createElement('textarea');
  area.value = text;
  area.style.position = 'fixed';
  area.style.opacity = '0';
  document.body.append(area);
  area.select();
  const isCopied = document.execCommand('copy');
  area.remove();
  if (focused instanceof HTMLElement) focused.focus();
  return isCopied;
}
