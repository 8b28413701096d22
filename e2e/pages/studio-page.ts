/** The panel as a person names its parts. Locators live here and nowhere else. */
import { expect, type Locator, type Page } from '@playwright/test';
import type { PanelProcess } from '../fixtures';

export class StudioPage {
  constructor(
    readonly page: Page,
    readonly panel: PanelProcess,
  ) {}

  get topology(): Locator {
    return this.page.getByRole('region', { name: 'Topology' });
  }

  get inspector(): Locator {
    return this.page.getByRole('complementary', { name: 'Inspector' });
  }

  get dock(): Locator {
    return this.page.getByRole('region', { name: 'Dock' });
  }

  get welcome(): Locator {
    return this.page.getByRole('region', { name: 'Welcome' });
  }

  /** The steps of the first tour. */
  get tour(): Locator {
    return this.page.getByRole('region', { name: 'Next steps' });
  }

  tourStep(label: string): Locator {
    return this.tour.getByRole('button', { name: label });
  }

  button(name: string | RegExp): Locator {
    return this.page.getByRole('button', { name, exact: typeof name === 'string' });
  }

  /** A node on the canvas, whatever its state. */
  node(name: string): Locator {
    return this.topology.getByRole('group', { name: new RegExp(`^${name}, `) });
  }

  /** Waits until a node is in a state, as the canvas words it: 'running', 'crashed' … */
  async expectState(name: string, state: string): Promise<void> {
    await expect(
      this.topology.getByRole('group', { name: new RegExp(`^${name}, .*, ${state}$`) }),
    ).toBeVisible();
  }

  async buildSample(): Promise<void> {
    await this.button('Build the Micro-CDN sample').click();
    for (const name of ['Index1', 'Monitor1', 'CS1', 'CS2']) await this.expectState(name, 'running');
  }

  async startEmpty(): Promise<void> {
    await this.button('Start empty').click();
    await expect(this.welcome).toBeHidden();
  }

  /** Whether anything moves on the canvas at this moment. */
  trafficDrawn(): Promise<boolean> {
    return this.topology.locator('canvas[aria-hidden="true"]').evaluate((element) => {
      const canvas = element as HTMLCanvasElement;
      const pixels = canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data ?? [];
      return pixels.some((value) => value > 0);
    });
  }

  /** Picks an entry of a node's context menu. */
  async act(name: string, action: string): Promise<void> {
    await this.node(name).click({ button: 'right' });
    await this.page
      .getByRole('menu')
      .getByRole('menuitem', { name: new RegExp(`^${action}`) })
      .click();
  }

  /** Sets a fault or a preset on a node by its context menu. */
  async breakNode(name: string, menu: 'Break' | 'Preset', entry: string): Promise<void> {
    await this.node(name).click({ button: 'right' });
    await this.#chooseInMenu(menu, entry);
  }

  /** The line between two nodes; a program outside is named by its address, `127.0.0.1:9000`. */
  link(a: string, b: string): Locator {
    const id = (name: string): string => (name.includes(':') ? `outside:${name}` : name.toLowerCase());
    const [first, second] = [id(a), id(b)].sort();
    return this.topology.locator(`.react-flow__edge[data-id="${first} ${second}"]`);
  }

  /** Picks an entry of a link's context menu, opened by key: a card may lie over the middle of a link. */
  async actOnLink(a: string, b: string, ...path: string[]): Promise<void> {
    await this.link(a, b).focus();
    await this.page.keyboard.press('Shift+F10');
    for (const entry of path) await this.page.getByRole('menuitem', { name: entry, exact: true }).click();
  }

  /** Sets a fault on a link by its context menu; without the link, it waits so many milliseconds for it. */
  async breakLink(a: string, b: string, entry: string, timeout?: number): Promise<void> {
    await this.link(a, b).click({ button: 'right', force: true, timeout });
    await this.#chooseInMenu('Break', entry);
  }

  async openLink(a: string, b: string): Promise<void> {
    await this.link(a, b).click({ force: true });
    await expect(this.inspector.getByRole('region', { name: 'Faults' })).toBeVisible();
  }

  /** Adds a fault to what the inspector shows. */
  async addFault(label: string): Promise<void> {
    await this.inspector.getByPlaceholder('Add a fault…').click();
    await this.page.getByRole('option', { name: new RegExp(`^${label}`) }).click();
  }

  /** Types a figure of the fault that the inspector shows. */
  async setFigure(label: string, value: number): Promise<void> {
    const field = this.inspector.getByRole('textbox', { name: label, exact: true });
    await field.fill(String(value));
    await field.press('Tab');
  }

  /** What stands on a broken link; its description names the faults. */
  linkBadge(name: RegExp): Locator {
    return this.topology.getByRole('img', { name });
  }

  get faultBanner(): Locator {
    return this.page.getByRole('status').filter({ hasText: /active faults?/ });
  }

  async #chooseInMenu(menu: string, entry: string): Promise<void> {
    await this.page.getByRole('menuitem', { name: menu, exact: true }).click();
    await this.page.getByRole('menuitem', { name: entry, exact: true }).click();
  }

  async select(name: string): Promise<void> {
    await this.node(name).click();
    await expect(this.inspector.getByRole('tablist')).toBeVisible();
  }

  async openInspectorTab(name: string): Promise<void> {
    await this.inspector.getByRole('tab', { name: new RegExp(`^${name}`) }).click();
  }

  async openDock(name: string): Promise<void> {
    await this.dock.getByRole('tab', { name: new RegExp(`^${name}`) }).click();
  }

  /** A chart of the metrics; its name tells its newest values. */
  chart(title: string): Locator {
    return this.dock.getByRole('img', { name: new RegExp(`^${title}\\.`) });
  }

  /** An arrow of the sequence diagram, by its time, ends, text and fate. */
  arrow(text: RegExp): Locator {
    return this.dock
      .getByRole('list', { name: 'Sequence of messages' })
      .getByRole('listitem', { name: text });
  }

  async narrowMessages(filter: 'Link' | 'Kinds of message', choice: string): Promise<void> {
    await this.dock.getByRole('combobox', { name: filter }).click();
    await this.page.getByRole('option', { name: choice, exact: true }).click();
    await this.page.keyboard.press('Escape');
  }

  /** Saves what a button exports, in a format where there are several; resolves to the path of the file. */
  async save(button: string, format?: string): Promise<string> {
    const saved = this.page.waitForEvent('download');
    await this.button(button).click();
    if (format) await this.page.getByRole('menuitem', { name: format, exact: true }).click();
    return (await saved).path();
  }

  /** Picks an action of the command palette. */
  async command(label: string): Promise<void> {
    await this.page.keyboard.press('Control+k');
    const palette = this.page.getByRole('dialog');
    await palette.getByPlaceholder('Search actions, nodes, files').fill(label);
    await palette.getByRole('button', { name: label, exact: true }).click();
    await expect(palette).toBeHidden();
  }

  /** Begins to record. */
  async record(): Promise<void> {
    await this.button('Record').click();
    await expect(this.recording).toBeVisible();
  }

  /** What the toolbar shows of a recording that is being made. */
  get recording(): Locator {
    return this.page.getByRole('group', { name: 'Recording', exact: true });
  }

  /** Whether all of the toolbar is in the window. */
  toolbarFits(): Promise<boolean> {
    const toolbar = this.page.getByRole('region', { name: 'Toolbar' });
    return toolbar.evaluate(({ scrollWidth, clientWidth }) => scrollWidth <= clientWidth);
  }

  /** What the toolbar shows of a replay. */
  replay(name: string): Locator {
    return this.page.getByRole('group', { name: `Replay of ${name}`, exact: true });
  }

  /** Picks what is to be done with a recording, from the menu beside Record. */
  async actOnRecording(name: string, action: string): Promise<void> {
    await this.button('Recordings').click();
    for (const entry of [name, action])
      await this.page.getByRole('menuitem', { name: entry, exact: true }).click();
  }

  /** Rows of the journal in which these words are. */
  async inJournal(words: string): Promise<Locator> {
    await this.openDock('Journal');
    await this.dock.getByLabel('Search the journal').fill(words);
    return this.dock.getByRole('grid', { name: 'Journal' }).getByRole('row').filter({ hasText: words });
  }

  /** Downloads a file by the dialog, from at most so many servers at once. */
  async download(name: string, { sources }: { sources?: number } = {}): Promise<void> {
    await this.openDock('Transfers');
    await this.dock.getByRole('button', { name: /^Download…/ }).click();
    const dialog = this.page.getByRole('dialog', { name: 'Download a file' });
    await dialog.getByLabel('File name').fill(name);
    if (sources) await dialog.getByLabel('Sources at once').fill(String(sources));
    await dialog.getByRole('button', { name: 'Download', exact: true }).click();
    await expect(dialog).toBeHidden();
  }

  /** Transfers in the dock in a phase: 'running', 'done', 'failed' … */
  transfers(name: string, phase: string): Locator {
    return this.dock.getByRole('article', { name: `${name}, ${phase}` });
  }

  toast(title: string | RegExp): Locator {
    return this.page.locator('.toast').filter({ hasText: title });
  }

  /** The newest transfer of a file, in whatever phase. */
  transfer(name: string): Locator {
    return this.dock.getByRole('article', { name: new RegExp(`^${name}, `) }).first();
  }

  /** The newest transfer of a file, once it is in this phase. */
  transferIn(phase: RegExp, name: string): Locator {
    return this.dock
      .getByRole('article', { name: new RegExp(`^${name}, `) })
      .first()
      .and(this.dock.getByRole('article', { name: new RegExp(`, (${phase.source})$`) }));
  }

  /** A row of the files of the node that is selected. */
  fileRow(name: string): Locator {
    return this.inspector.getByRole('row').filter({ hasText: name });
  }

  /** Drops files of this machine's disk as the browser itself does, not with synthetic events. */
  async dropFromDisk(target: Locator, paths: string[]): Promise<void> {
    const box = await this.boxAtRest(target);
    const at = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
    const session = await this.page.context().newCDPSession(this.page);
    const data = { items: [], files: paths, dragOperationsMask: 1 };
    // The first 'over' uncovers what takes the files; a real pointer goes on sending them until it lets go.
    for (const type of ['dragEnter', 'dragOver', 'dragOver', 'drop'] as const) {
      await session.send('Input.dispatchDragEvent', { type, ...at, data });
    }
    await session.detach();
  }

  /** Where something is once the view no longer moves to what was added. */
  async boxAtRest(target: Locator) {
    for (let before = await target.boundingBox(); ; ) {
      await this.page.waitForTimeout(150);
      const box = await target.boundingBox();
      if (!box) throw new Error('What is to come to rest is not visible.');
      if (box.x === before?.x && box.y === before.y) return box;
      before = box;
    }
  }

  /** Ids of the processes of all nodes that run now, as the table view shows them. */
  async nodePids(): Promise<number[]> {
    const names = await this.topology.getByRole('group', { name: /, running$/ }).allInnerTexts();
    const pids: number[] = [];
    for (const name of names.map((text) => text.split('\n')[0] as string))
      pids.push(await this.nodePid(name));
    return pids;
  }

  /** Id of the process of a node that runs. */
  async nodePid(name: string): Promise<number> {
    await this.select(name);
    await this.openInspectorTab('Overview');
    const pid = this.inspector.getByText('Process id').locator('xpath=following-sibling::*[1]');
    await expect(pid).toHaveText(/^\d+$/);
    return Number(await pid.innerText());
  }
}
