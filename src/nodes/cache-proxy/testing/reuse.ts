import { type Ask, CacheWorld, type Script } from './cache-world';

/** Numbers become dates, that many seconds from now. */
export type Headers = [string, string | number][];

export const fresh: Headers = [['Cache-Control', 'max-age=3600']];

/** Asks twice, `pause` seconds apart; returns whether the second answer came from the store. */
export async function reused(
  first: Script,
  second: Ask = {},
  { ask = {}, pause = 3 }: { ask?: Ask; pause?: number } = {},
): Promise<boolean> {
  const world = await CacheWorld.start();
  world.script(first);
  await world.ask(ask);
  await world.wait(pause);
  await world.ask(second);
  await world.stop();
  return world.seen.length === 1;
}
