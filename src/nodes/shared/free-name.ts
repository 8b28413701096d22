import type { Folder } from '../../runtime/context';

/** The name, or `name (2).ext`, `name (3).ext` …: the first that no file has. */
export async function freeName(folder: Folder, name: string): Promise<string> {
  const dot = name.lastIndexOf('.');
  const [base, extension] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, ''];
  for (let n = 1; ; n++) {
    const candidate = n === 1 ? name : `${base} (${n})${extension}`;
    try {
      await folder.stat(candidate);
    } catch (error) {
      if ((error as { code?: string }).code === 'ENOENT') return candidate;
      throw error;
    }
  }
}
