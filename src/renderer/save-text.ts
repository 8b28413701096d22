/** Offers text as a file, through the browser's own saving; works in both shells. */
export function saveText(fileName: string, text: string, type = 'text/plain'): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = fileName;
  link.click();
  // The download has begun when the click returns; the next minute is for slow disks.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
