/** A message that cannot be taken: the status to answer with, and why, as a sentence for a person. */
export class HttpError extends Error {
  override readonly name = 'HttpError';

  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}
