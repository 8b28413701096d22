/** Validators made from field descriptions. */
import { z } from 'zod';
import type { Field, Fields, Row, RowsField } from './fields';
import { rowsFromText, rowsProblem } from './rows';

export const portNumber = z
  .int()
  .min(1, 'A port is between 1 and 65535.')
  .max(65_535, 'A port is between 1 and 65535.');

export const endpointSchema = z.object({ host: z.string().min(1).max(255), port: portNumber });

/** A link as saved: to a node of the workspace, to an outside address, or to nothing. */
export const linkValueSchema = z.union([
  z.object({ node: z.string().min(1) }).strict(),
  endpointSchema,
  z.null(),
]);

/** The validator of one stored field. Port 0 is allowed: it takes any free port at each start. */
export function fieldSchema(field: Field): z.ZodType {
  switch (field.control) {
    case 'port':
      return z
        .int()
        .min(0)
        .max(65_535, 'A port is between 1 and 65535, or 0 for any free one.')
        .default(field.default);
    case 'number':
      return z.number().min(field.min).max(field.max).default(field.default);
    case 'text':
      return textSchema(field).default(field.default);
    case 'choice':
      return z
        .enum(field.options.map((option) => option.value) as [string, ...string[]])
        .default(field.default);
    case 'toggle':
      return z.boolean().default(field.default);
    case 'folder':
      return z
        .string()
        .max(4096)
        .refine((path) => !path.includes('\0'), 'A path has no NUL character.')
        .default(field.default);
    case 'link':
      return linkValueSchema.default(null);
    case 'links':
      return z.array(linkValueSchema).max(1000).default([]);
    case 'rows':
      return rowsSchema(field).default([...field.default]);
  }
}

function textSchema(field: Extract<Field, { control: 'text' }>): z.ZodString {
  const text = z.string().max(field.maxLength ?? 255);
  return field.pattern ? text.regex(new RegExp(`^(?:${field.pattern})$`, 'u'), field.patternHint) : text;
}

/** Takes a table, and the same as one text, as the command line writes it. */
function rowsSchema(field: RowsField): z.ZodType<Row[]> {
  const row = z.strictObject(Object.fromEntries(field.columns.map(({ key }) => [key, z.string().max(1024)])));
  const table = z.array(row).superRefine((rows, context) => {
    const problem = rowsProblem(field, rows);
    if (problem) context.addIssue({ code: 'custom', message: problem });
  });
  return z.preprocess(
    (value) => (typeof value === 'string' ? rowsFromText(field, value).rows : value),
    table,
  );
}

/** The validator of a stored configuration; what is missing gets its default, what is unknown is refused. */
export function configSchema(fields: Fields): z.ZodType<Record<string, unknown>> {
  return z
    .object(Object.fromEntries(Object.entries(fields).map(([key, field]) => [key, fieldSchema(field)])))
    .strict();
}
