import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FaultSpec } from '../../contract/fault';
import { configSchema } from '../../contract/schema';
import type { NodeSpec, Workspace, WorkspaceCommand } from '../../contract/workspace';
import { manifestOf, manifests } from '../../nodes/manifests';
import { applyEdit, describeEdit, type Edit, emptyWorkspace, seriesOf } from './document';
import { History } from './history';
import { planDuplicates, planNodes, type Surroundings } from './planning';

const everythingFree: Surroundings = { isPortFree: async () => true, hasFolder: async () => false };

async function edited(
  document: Workspace,
  command: WorkspaceCommand,
  around = everythingFree,
): Promise<Edit> {
  if (command.type === 'add-node')
    return { type: 'insert-nodes', nodes: await planNodes(document, [command], around) };
  if (command.type === 'duplicate-nodes')
    return { type: 'insert-nodes', nodes: await planDuplicates(document, command.ids, around) };
  return command;
}

async function build(...commands: WorkspaceCommand[]): Promise<Workspace> {
  let document = emptyWorkspace('Test');
  for (const command of commands) document = applyEdit(document, await edited(document, command));
  return document;
}

const add = (kind: string, more: object = {}): WorkspaceCommand => ({ type: 'add-node', kind, ...more });
const byName = (document: Workspace, name: string): NodeSpec => {
  const node = document.nodes.find((each) => each.name === name);
  if (!node) throw new Error(`There is no ${name}.`);
  return node;
};
const fault = (id: string, node: string, peer?: string): FaultSpec => ({
  id,
  kind: 'latency',
  node,
  scope: peer ? { peer } : {},
  params: {},
  enabled: true,
});

describe('a new node', () => {
  it('gets the next name, its id, its server id and the next ports, which stay together', async () => {
    const document = await build(add('content-server'), add('content-server'), add('content-server'));
    expect(document.nodes.map(({ id, name }) => `${id} ${name}`)).toEqual(['cs1 CS1', 'cs2 CS2', 'cs3 CS3']);
    expect(document.nodes.map(({ config }) => [config.serverId, config.tcpPort, config.udpPort])).toEqual([
      ['CS1', 7001, 7002],
      ['CS2', 7101, 7102],
      ['CS3', 7201, 7202],
    ]);
  });

  it('avoids ports that are taken on the machine, as a pair', async () => {
    const around = { ...everythingFree, isPortFree: async (_: string, port: number) => port !== 7002 };
    const [node] = await planNodes(emptyWorkspace('Test'), [{ kind: 'content-server' }], around);
    expect(node?.config).toMatchObject({ tcpPort: 7101, udpPort: 7102 });
  });

  it('keeps a port that was asked for', async () => {
    const document = await build(add('content-server', { config: { tcpPort: 9999 } }));
    expect(document.nodes[0]?.config).toMatchObject({ tcpPort: 9999, udpPort: 7002 });
  });

  it('takes any port when none of the usual ones is free', async () => {
    const around = { ...everythingFree, isPortFree: async () => false };
    const [node] = await planNodes(emptyWorkspace('Test'), [{ kind: 'index-server' }], around);
    expect(node?.config.tcpPort).toBe(0);
  });

  it('does not inherit the folder of a deleted node', async () => {
    const around = { ...everythingFree, hasFolder: async (id: string) => id === 'cs1' };
    const [node] = await planNodes(emptyWorkspace('Test'), [{ kind: 'content-server' }], around);
    expect(node).toMatchObject({ id: 'cs1-2', name: 'CS1' });
  });

  it('is linked to the nodes that are there, and linked to by those that wait for its kind', async () => {
    const document = await build(
      add('content-server'),
      add('index-server'),
      add('monitor'),
      add('content-server'),
    );
    expect(byName(document, 'CS1').config).toMatchObject({
      index: { node: 'index1' },
      monitor: { node: 'monitor1' },
    });
    expect(byName(document, 'CS2').config).toMatchObject({
      index: { node: 'index1' },
      monitor: { node: 'monitor1' },
    });
    expect(byName(document, 'Index1').config.monitor).toEqual({ node: 'monitor1' });
    expect(byName(document, 'Monitor1').config.index).toEqual({ node: 'index1' });
  });

  it('is not linked to a second index when it has one', async () => {
    const document = await build(add('index-server'), add('content-server'), add('index-server'));
    expect(byName(document, 'CS1').config.index).toEqual({ node: 'index1' });
  });

  it('lies where nothing else does', async () => {
    const at = { x: 10, y: 10 };
    const document = await build(
      ...Array.from({ length: 6 }, () => add('client', { position: at })),
      add('client'),
    );
    const places = document.nodes.map(({ position }) => position);
    expect(places[0]).toEqual(at);
    for (const [i, a] of places.entries())
      for (const b of places.slice(i + 1))
        expect(Math.abs(a.x - b.x) >= 280 || Math.abs(a.y - b.y) >= 160).toBe(true);
  });

  it.each(manifests.map(({ id }) => id))('of kind %s has a valid configuration', async (kind) => {
    const document = await build(add(kind));
    const fields = manifestOf(kind)?.fields ?? {};
    expect(configSchema(fields).safeParse(document.nodes[0]?.config).success).toBe(true);
  });

  it.each([
    [add('no-such-kind'), 'UNKNOWN_KIND'],
    [add('client', { config: { colour: 'red' } }), 'BAD_CONFIG'],
    [add('content-server', { config: { tcpPort: 70_000 } }), 'BAD_CONFIG'],
    [add('client', { config: { index: { node: 'nobody' } } }), 'BAD_CONFIG'],
  ])('is refused with a reason: %j', async (command, code) => {
    await expect(build(command)).rejects.toMatchObject({ code });
  });
});

describe('an edit', () => {
  it('refuses a link to a node of the wrong kind', async () => {
    const document = await build(add('client'), add('monitor'));
    const edit: Edit = { type: 'configure-node', id: 'client1', config: { index: { node: 'monitor1' } } };
    expect(() => applyEdit(document, edit)).toThrow(/Monitor1 is not one of/);
  });

  it('takes links and faults away with the node they lead to', async () => {
    const built = await build(add('index-server'), add('content-server'));
    const document = {
      ...built,
      faults: [fault('a', 'cs1', 'index1'), fault('b', 'index1'), fault('c', 'cs1')],
    };
    const after = applyEdit(document, { type: 'remove-nodes', ids: ['index1'] });
    expect(byName(after, 'CS1').config.index).toBeNull();
    expect(after.faults.map(({ id }) => id)).toEqual(['c']);
  });

  it('refuses a name that another node has', async () => {
    const document = await build(add('client'), add('client'));
    const edit: Edit = { type: 'rename-node', id: 'client2', name: 'CLIENT1' };
    expect(() => applyEdit(document, edit)).toThrow(/Another node/);
    expect(applyEdit(document, { ...edit, id: 'client1' }).nodes[0]?.name).toBe('CLIENT1');
  });

  it('leaves out what another version stored, and refuses what it is given itself', async () => {
    const built = await build(add('client'));
    const nodes = built.nodes.map((node) => ({ ...node, config: { ...node.config, colour: 'red' } }));
    const configure = (config: Record<string, unknown>): Edit => ({
      type: 'configure-node',
      id: 'client1',
      config,
    });
    const after = applyEdit({ ...built, nodes }, configure({ attempts: 3 }));
    expect(after.nodes[0]?.config).toEqual({ ...built.nodes[0]?.config, attempts: 3 });
    expect(() => applyEdit({ ...built, nodes }, configure({ colour: 'blue' }))).toThrow(/colour/);
  });

  it('keeps a node of an unknown kind, and lets it be moved, renamed and deleted', async () => {
    const alien: NodeSpec = {
      id: 'x',
      kind: 'from-the-future',
      name: 'X',
      position: { x: 0, y: 0 },
      config: { a: 1 },
    };
    const document = { ...emptyWorkspace('Test'), nodes: [alien] };
    const grown = applyEdit(document, await edited(document, add('client')));
    expect(grown.nodes[0]).toEqual(alien);
    expect(applyEdit(grown, { type: 'rename-node', id: 'x', name: 'Y' }).nodes[0]?.name).toBe('Y');
    expect(() => applyEdit(grown, { type: 'configure-node', id: 'x', config: {} })).toThrow(/does not know/);
    expect(applyEdit(grown, { type: 'remove-nodes', ids: ['x'] }).nodes).toHaveLength(1);
  });
});

describe('duplicates', () => {
  it('have names, ports and ids of their own, and link to each other', async () => {
    const document = await build(add('index-server'), add('content-server', { config: { heartbeatMs: 50 } }));
    const copied = applyEdit(
      document,
      await edited(document, { type: 'duplicate-nodes', ids: ['index1', 'cs1'] }),
    );
    const copy = byName(copied, 'CS2');
    expect(copy.config).toMatchObject({
      serverId: 'CS2',
      tcpPort: 7101,
      heartbeatMs: 50,
      index: { node: 'index2' },
    });
    expect(byName(copied, 'CS1').config.index).toEqual({ node: 'index1' });
  });
});

/** A step chosen by dice; what it acts on depends on the document it meets. */
const step = fc.record({
  what: fc.constantFrom(
    'add',
    'remove',
    'duplicate',
    'move',
    'rename',
    'configure',
    'rename-workspace',
    'start-on-open',
    'fault',
  ),
  kind: fc.constantFrom(...manifests.map(({ id }) => id)),
  which: fc.nat(),
  text: fc.string({ minLength: 1, maxLength: 8 }).filter((text) => text.trim() !== ''),
});
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

function commandOf(document: Workspace, { what, kind, which, text }: Step): WorkspaceCommand | undefined {
  const node = document.nodes[which % Math.max(1, document.nodes.length)];
  if (what === 'add') return { type: 'add-node', kind };
  if (what === 'rename-workspace') return { type: 'rename-workspace', name: text };
  if (what === 'start-on-open') return { type: 'set-start-on-open', startOnOpen: which % 2 === 0 };
  if (!node) return undefined;
  if (what === 'remove') return { type: 'remove-nodes', ids: [node.id] };
  if (what === 'duplicate') return { type: 'duplicate-nodes', ids: [node.id] };
  if (what === 'move') return { type: 'move-nodes', positions: { [node.id]: { x: which, y: -which } } };
  if (what === 'rename') return { type: 'rename-node', id: node.id, name: text };
  return { type: 'configure-node', id: node.id, config: {} };
}

async function perform(steps: Step[], withFaults: boolean) {
  const history = new History();
  const original = emptyWorkspace('Test');
  let document = original;
  let edits = 0;
  for (const [n, each] of steps.entries()) {
    const node = document.nodes[each.which % Math.max(1, document.nodes.length)];
    if (each.what === 'fault') {
      if (withFaults && node)
        document = { ...document, faults: [...document.faults, fault(`f${n}`, node.id)] };
      continue;
    }
    const command = commandOf(document, each);
    if (!command) continue;
    const edit = await edited(document, command);
    let after: Workspace;
    try {
      after = applyEdit(document, edit);
    } catch {
      continue; // refused, for example a name that is taken
    }
    history.push(describeEdit(document, edit), document, after);
    document = after;
    edits += 1;
  }
  return { history, original, document, edits };
}

describe('undo', () => {
  it('leads from any edits back to the original, and redo to the end again', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const { history, original, document, edits } = await perform(steps, false);
        let back = document;
        for (let n = 0; n < edits; n++) back = history.undo(back) as Workspace;
        expect(back).toEqual(original);
        expect(history.undo(back)).toBeUndefined();
        let forth = back;
        for (let n = 0; n < edits; n++) forth = history.redo(forth) as Workspace;
        expect(forth).toEqual(document);
        expect(history.redo(forth)).toBeUndefined();
      }),
      { numRuns: 60 },
    );
  });

  it('never leaves a fault on a node that is not there, nor heals one on a node that stays', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const { history, document, edits } = await perform(steps, true);
        let current = document;
        for (let n = 0; n < edits; n++) {
          const before = current;
          current = history.undo(current) as Workspace;
          const ids = new Set(current.nodes.map(({ id }) => id));
          const staying = before.faults.filter(({ node }) => ids.has(node));
          expect(current.faults.every(({ node }) => ids.has(node))).toBe(true);
          expect(current.faults).toEqual(expect.arrayContaining(staying));
        }
      }),
      { numRuns: 60 },
    );
  });

  it('brings a deleted node back with its links and its faults', async () => {
    const built = await build(add('index-server'), add('content-server'));
    const before = { ...built, faults: [fault('a', 'index1')] };
    const history = new History();
    const edit: Edit = { type: 'remove-nodes', ids: ['index1'] };
    const after = applyEdit(before, edit);
    history.push(describeEdit(before, edit), before, after);
    expect(history.undoLabel).toBe('delete Index1');
    expect(history.undo(after)).toEqual(before);
    expect(history.redoLabel).toBe('delete Index1');
  });

  it('takes moves of the same nodes in quick succession back at once', async () => {
    const history = new History();
    let document = await build(add('client'), add('client'));
    const move = (ids: string[], x: number, at: number): void => {
      const edit: Edit = {
        type: 'move-nodes',
        positions: Object.fromEntries(ids.map((id) => [id, { x, y: 0 }])),
      };
      const after = applyEdit(document, edit);
      history.push(describeEdit(document, edit), document, after, { name: seriesOf(edit) as string, at });
      document = after;
    };
    const undo = (): number | undefined => {
      document = history.undo(document) as Workspace;
      return byName(document, 'Client1').position.x;
    };
    const begin = byName(document, 'Client1').position.x;
    for (let n = 1; n <= 300; n++) move(['client1'], n, n * 30);
    move(['client1', 'client2'], 500, 9100);
    move(['client2', 'client1'], 600, 9200);
    move(['client1', 'client2'], 700, 20_000);
    expect([undo(), undo(), undo()]).toEqual([600, 300, begin]);
    expect(history.undoLabel).toBeUndefined();
    document = history.redo(document) as Workspace;
    move(['client1'], 800, 9100);
    expect([undo(), undo()]).toEqual([300, begin]);
  });

  it('brings back the faults of others that narrow to a deleted node, and redo takes them away again', async () => {
    const built = await build(add('index-server'), add('content-server'));
    const before = { ...built, faults: [fault('healed', 'cs1', 'index1'), fault('a', 'cs1', 'index1')] };
    const edit: Edit = { type: 'remove-nodes', ids: ['index1'] };
    const history = new History();
    const first: Edit = { type: 'rename-workspace', name: 'Other' };
    const renamed = applyEdit(before, first);
    history.push(describeEdit(before, first), before, renamed);
    const healed = { ...renamed, faults: [fault('a', 'cs1', 'index1')] };
    const after = applyEdit(healed, edit);
    history.push(describeEdit(healed, edit), healed, after);
    expect(after.faults).toEqual([]);
    const back = history.undo(after) as Workspace;
    expect(back).toEqual(healed);
    expect(history.redo(back)).toEqual(after);
    const again = history.undo(after) as Workspace;
    expect((history.undo(again) as Workspace).faults.map(({ id }) => id)).toEqual(['a']);
  });
});
