import { expect, it } from 'vitest';
import { Simulation } from '../../runtime/testing/simulation';
import { LogFile, splitPath } from './log-file';

function logIn(world: Simulation): LogFile {
  const { files, clock, log } = world.context('node');
  return new LogFile('/logs/a.log', files, clock, log);
}

it('writes one line per event, in order', async () => {
  const world = new Simulation();
  const log = logIn(world);
  log.line('first');
  log.line('second\nwith a break');
  await log.close();
  expect(Buffer.from(world.files.at('/logs').bytesOf('a.log') ?? []).toString()).toBe(
    '2026-01-01T00:00:00.000Z first\n2026-01-01T00:00:00.000Z second with a break\n',
  );
});

it('sets aside a file that has grown, and keeps three of them', async () => {
  const world = new Simulation();
  const log = logIn(world);
  const line = 'x'.repeat(600_000);
  for (let n = 0; n < 12; n++) {
    log.line(`${n} ${line}`);
    await world.settle();
  }
  await log.close();
  expect(world.files.at('/logs').names).toEqual(['a.log', 'a.log.1', 'a.log.2', 'a.log.3']);
});

it('stays closed, whoever has something to tell afterwards', async () => {
  const world = new Simulation();
  const log = logIn(world);
  log.line('first');
  const closed = log.close();
  log.line('too late');
  await closed;
  log.line('much too late');
  await world.settle();
  const folder = world.files.at('/logs');
  expect(Buffer.from(folder.bytesOf('a.log') ?? []).toString()).toMatch(/^\S+ first\n$/);
  expect(folder.openFiles).toBe(0);
});

it('writes nothing without a path', async () => {
  const { files, clock, log } = new Simulation().context('node');
  const none = new LogFile('', files, clock, log);
  none.line('x');
  await none.close();
});

it('splits paths of either system', () => {
  expect(splitPath('a.log')).toEqual({ folder: '.', name: 'a.log' });
  expect(splitPath('/var/a.log')).toEqual({ folder: '/var', name: 'a.log' });
  expect(splitPath('/a.log')).toEqual({ folder: '/', name: 'a.log' });
  expect(splitPath('C:\\logs\\a.log')).toEqual({ folder: 'C:\\logs', name: 'a.log' });
});
