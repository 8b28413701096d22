/**
 * The one error that crosses processes. `code` is for programs, `message` says what happened and why, and
 * `hint` what to do, both in the user's words.
 */
export interface ErrorShape {
  code: string;
  message: string;
  hint?: string;
}

export class StudioError extends Error {
  override readonly name = 'StudioError';
  readonly code: string;
  readonly hint: string | undefined;

  constructor(code: string, message: string, hint?: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.hint = hint;
  }

  toJSON(): ErrorShape {
    return { code: this.code, message: this.message, ...(this.hint ? { hint: this.hint } : {}) };
  }
}

/** What is sent to another process for any thrown value; a system error keeps its code ('EADDRINUSE'). */
export function toErrorShape(thrown: unknown): ErrorShape {
  if (thrown instanceof StudioError) return thrown.toJSON();
  if (thrown instanceof Error) {
    const { code } = thrown as { code?: unknown };
    return { code: typeof code === 'string' ? code : 'INTERNAL', message: thrown.message };
  }
  return { code: 'INTERNAL', message: String(thrown) };
}

/** The receiving side of `toErrorShape`. */
export function fromErrorShape(shape: ErrorShape): StudioError {
  return new StudioError(shape.code, shape.message, shape.hint);
}
