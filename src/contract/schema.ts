/** Validators made from field descriptions. */
import { z } from 'zod';
import type { Field, Fields } from './fields';

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
  }
}

function textSchema(field: Extract<Field, { control: 'text' }>): z.ZodString {
  const text = z.string().max(field.maxLength ?? 255);
  return field.pattern ? text.regex(new RegExp(`^(?:${field.pattern})$`, 'u'), field.patternHint) : text;
}

/** The validator of a stored configuration; what is missing gets its default, what is unknown is refused. */
export function configSchema(fields: Fields): z.ZodType<Record<string, unknown>> {
  return z
    .object(Object.fromEntries(Object.entries(fields).map(([key, field]) => [key, fieldSchema(field)])))
    .strict();
}
