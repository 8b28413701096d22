/** The text of a document's file; what is wrong with it is a phrase, such as 'it is empty'. */
import type { ZodError } from 'zod';

export function parseJson(text: string): { value: unknown } | { problem: string } {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return { problem: text.trim() === '' ? 'it is empty' : 'it ends too early or is not JSON' };
  }
}

/** The first thing that a schema does not accept. @param whole what to call what is wrong as a whole */
export function schemaProblem({ issues: [issue] }: ZodError, whole: string): string {
  return `${issue?.path.join('.') || whole}: ${issue?.message ?? 'not valid'}`;
}
