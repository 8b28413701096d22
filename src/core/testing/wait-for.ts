/** Resolves when `condition` returns something truthy, to that; looks at it again every few milliseconds. */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  what = 'the condition',
): Promise<NonNullable<Exclude<T, false>>> {
  // Only ends a test that would never end: no test depends on how fast things happen.
  for (const end = Date.now() + 60_000; Date.now() < end; ) {
    const value = await condition();
    if (value) return value as NonNullable<Exclude<T, false>>;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`Waited in vain for ${what}.`);
}
