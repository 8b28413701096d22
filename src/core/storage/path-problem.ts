const reasons: Record<string, string> = {
  ENOTDIR: 'a part of that path is a file, not a folder',
  EEXIST: 'a part of that path is a file, not a folder',
  EISDIR: 'it is a folder, not a file',
  EACCES: 'this account may not use it',
  EPERM: 'the system does not permit it',
  EROFS: 'the disk can only be read',
  ENOSPC: 'the disk is full',
  ENOENT: 'it does not exist',
  ENAMETOOLONG: 'the path is too long',
  ELOOP: 'its links lead round in a circle',
};

/** Why a file or folder cannot be used, as a phrase; undefined when `code` is not about paths. */
export function pathProblem(code: string): string | undefined {
  return reasons[code];
}
