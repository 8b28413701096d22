/** What was checked of a finished file, in words that "verified" follows. */
export const verified = {
  /** Somebody else than the sender, or the sender when it got the file, has said what it hashes to. */
  byIndex: 'size and hash',
  /** The sender's hash of what it has now: the way was sound; of its disk nobody knows. */
  bySender: "size and the sender's own hash",
  /** Nobody could be asked for a hash: a program of another kind, or one that does not answer any more. */
  bySize: 'only the size',
} as const;
