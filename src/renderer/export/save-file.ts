/** Offers a file through the browser's own saving; works in both shells. */
export function saveFile(fileName: string, content: string | Blob, type = 'text/plain'): void {
  const blob = typeof content === 'string' ? new Blob([content], { type }) : content;
  const url = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = url;
  link.download = fileName;
  link.click();
  // The download has begun when the click returns; the next minute is for slow disks.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
