/** The panel's own files, read once at the start: nothing but these can be asked for. */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { extname, join, relative, sep } from 'node:path';

export interface StaticFile {
  body: Buffer;
  type: string;
  etag: string;
  /** The bundler puts a hash of the content into the names below `assets/`, so they never change. */
  immutable: boolean;
}

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.woff': 'font/woff',
  '.wasm': 'application/wasm',
  '.map': 'application/json; charset=utf-8',
};

/**
 * All files below `folder` by their URL path; `/` is the index page. Because a path is only ever looked up in
 * this map, no request can reach outside.
 */
export async function readStaticFiles(folder: string): Promise<Map<string, StaticFile>> {
  const found = new Map<string, StaticFile>();
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const url = `/${relative(folder, path).split(sep).map(encodeURIComponent).join('/')}`;
    const body = await readFile(path);
    found.set(url, {
      body,
      type: types[extname(path).toLowerCase()] ?? 'application/octet-stream',
      etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`,
      immutable: url.startsWith('/assets/'),
    });
  }
  const index = found.get('/index.html');
  if (index) found.set('/', index);
  return found;
}
