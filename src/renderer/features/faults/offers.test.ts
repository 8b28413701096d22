import { expect, it } from 'vitest';
import { commonAt, offersAt } from './offers';

it('offers only faults that the system can do', () => {
  const place = { nodes: ['cs1'] };
  const offered = (platform: string): string[] =>
    [...offersAt(place, platform).flatMap(({ items }) => items), ...commonAt(place, platform)].map(
      ({ kind }) => kind,
    );
  expect(offered('linux').filter((kind) => kind === 'freeze')).toHaveLength(2);
  expect(offered('win32')).not.toContain('freeze');
});
