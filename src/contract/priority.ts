/** How much of a source a download gets, compared with others of the same node that use that source too. */
export const priorities = ['high', 'normal', 'low'] as const;

export type Priority = (typeof priorities)[number];

/** Parts of a shared source: where one of each is under way, they get bytes as 4 : 2 : 1. */
export const shareOf: Record<Priority, number> = { high: 4, normal: 2, low: 1 };

export function isPriority(value: unknown): value is Priority {
  return priorities.some((one) => one === value);
}
