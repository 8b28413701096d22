import { fileNameProblem } from '../../protocol/file-name';
import type { Register, ServerRow } from '../../protocol/micro-cdn';
import { type Candidate, select } from '../../protocol/selection';
import type { NodeContext } from '../../runtime/context';
import { RateLimit } from '../shared/rate-limit';
import { Catalogue } from './catalogue';
import { Decisions } from './decisions';
import { Detours } from './detours';
import { judgeDigests, type Verdict } from './digests';
import type { Decision, IndexConfig, IndexSnapshot } from './manifest';
import { type FileRecord, type Holding, type Moment, Registry, type ServerRecord } from './registry';

/** Lookups that are told to the journal, a second; all are counted. */
const LOOKUP_EVENTS_PER_SECOND = 50;
const DISAGREEMENTS_PER_SECOND = 10;

/** A holder, and what its bytes must hash to; undefined where only the holder itself could tell. */
export interface Located {
  holding: Holding;
  sha256: string | undefined;
}

/**
 * What the index knows and decides, whoever tells or asks: the registry, the choice of a server, and the
 * journal of both.
 */
export class Directory {
  readonly catalogue: Catalogue;
  readonly decisions = new Decisions();
  readonly registry: Registry;
  readonly #config: IndexConfig;
  readonly #context: NodeContext;
  readonly #detours = new Detours();
  readonly #lookupEvents: RateLimit;
  readonly #disagreements: RateLimit;
  /** Called after every change of what the snapshot shows. */
  onChange: () => void = () => {};

  constructor(config: IndexConfig, context: NodeContext) {
    this.#config = config;
    this.#context = context;
    this.catalogue = new Catalogue(() => context.clock.sleep(0));
    this.registry = new Registry(this.catalogue);
    this.#lookupEvents = new RateLimit(LOOKUP_EVENTS_PER_SECOND, context.clock);
    this.#disagreements = new RateLimit(DISAGREEMENTS_PER_SECOND, context.clock);
  }

  server(serverId: string): ServerRecord | undefined {
    return this.registry.servers.get(serverId);
  }

  register({ serverId, tcpPort, udpPort }: Register, host: string): ServerRecord | null {
    const server = this.registry.register({ serverId, host, tcpPort, udpPort }, this.#now());
    this.#context.telemetry.count('registrations');
    this.onChange();
    return server;
  }

  addFile(server: ServerRecord, name: string, size: number): 'ok' | 'bad-name' | 'full' {
    if (fileNameProblem(name) !== null) {
      this.#context.telemetry.count('refusedNames');
      return 'bad-name';
    }
    const outcome = this.registry.add(server, name, size);
    this.onChange();
    return outcome === 'full' ? 'full' : 'ok';
  }

  /** Keeps what a server has found a file to hash to, and tells when others have found something else. */
  setDigest(server: ServerRecord, name: string, sha256: string): void {
    const file = this.registry.setDigest(server, name, sha256);
    const { dissenters } = judgeDigests(file?.holdings ?? []);
    if (dissenters.size === 0) return;
    this.#context.telemetry.count('digestsThatDisagree');
    if (!this.#disagreements.allow()) return;
    const ids = [...dissenters].map((holding) => holding.server.serverId);
    this.#context.telemetry.event({
      type: 'digests-disagree',
      subject: server.serverId,
      level: 'warning',
      text: `${name} has other bytes on ${ids.join(', ')} than on most of its holders (SHA-256): clients are sent to the others.`,
    });
  }

  removeFile(server: ServerRecord, name: string): void {
    if (this.registry.remove(server, name)) this.onChange();
  }

  completeRegistration(server: ServerRecord): void {
    this.registry.completeRegistration(server);
    const files = server.files.size;
    this.#context.telemetry.event({
      type: 'registered',
      subject: server.serverId,
      level: 'good',
      text: `${server.serverId} is registered at ${server.address} with ${files} ${files === 1 ? 'file' : 'files'}${detoursInWords(this.#detours.end(server.serverId))}.`,
    });
    this.onChange();
  }

  /** After UPDATE … DONE_FILES. */
  completeUpdate(server: ServerRecord, changes: number): void {
    if (changes === 0) return;
    this.#context.telemetry.event({
      type: 'files-changed',
      subject: server.serverId,
      text: `${server.serverId} announced ${changes} ${changes === 1 ? 'change' : 'changes'} and has ${server.files.size} files now.`,
    });
    this.onChange();
  }

  drain(server: ServerRecord): void {
    if (!this.registry.setStatus(server, 'draining', this.#now())) return;
    this.#context.telemetry.event({
      type: 'server-draining',
      subject: server.serverId,
      text: `${server.serverId} is draining: no new clients are sent to it.`,
    });
    this.onChange();
  }

  /** The monitor has said so, by SERVER_DOWN or in a list. */
  markDead(serverId: string, because: string): void {
    const server = this.server(serverId);
    if (!server) return;
    server.monitorSaid = 'dead';
    if (!this.registry.setStatus(server, 'dead', this.#now())) return;
    this.#context.telemetry.count('serversDown');
    this.#context.telemetry.event({
      type: 'server-down',
      subject: serverId,
      level: 'bad',
      text: `${serverId} is not routed to any more: ${because}.`,
    });
    this.onChange();
  }

  markAlive(serverId: string, because: string): void {
    const server = this.server(serverId);
    if (!server) return;
    server.monitorSaid = 'alive';
    if (server.status !== 'dead' || !this.registry.setStatus(server, 'alive', this.#now())) return;
    this.#context.telemetry.count('serversUp');
    this.#context.telemetry.event({
      type: 'server-up',
      subject: serverId,
      level: 'good',
      text: `${serverId} is routed to again: ${because}${detoursInWords(this.#detours.end(serverId))}.`,
    });
    this.onChange();
  }

  /**
   * One line of LIST_SERVERS. The list is as old as the question: it does not overrule what was learned since.
   * And a server that registered after it was declared dead is believed until the monitor changes its mind.
   *
   * @param askedAt ms of the steady clock
   */
  heard({ serverId, load, alive }: ServerRow, askedAt: number): void {
    const server = this.server(serverId);
    if (!server) return;
    if (server.load !== load) {
      server.load = load;
      this.onChange();
    }
    if (server.changedAt >= askedAt) return;
    if (alive) this.markAlive(serverId, 'the monitor lists it as alive');
    else if (server.monitorSaid !== 'dead') this.markDead(serverId, 'the monitor lists it as dead');
  }

  /** Chooses a holder, and remembers why. */
  lookup(name: string, avoided: readonly string[]): Located | null {
    const file = this.registry.files.get(name);
    const verdict = judgeDigests(file?.holdings ?? []);
    const { policy } = this.#config;
    const selection = select(policy, candidatesOf(file, avoided, verdict), {
      random: this.#context.random,
      turn: file?.turn ?? 0,
    });
    if (file) file.turn++;
    const holding = selection.winner === null ? null : (file?.holdings[selection.winner] ?? null);
    const decision: Decision = {
      at: this.#context.clock.wallTime(),
      fileName: file?.name ?? name,
      policy,
      candidates: selection.candidates,
      winner: holding?.server.serverId ?? null,
      reason: selection.reason,
    };
    this.#remember(decision);
    if (file && holding) this.#tellDetours(file, holding);
    return holding && { holding, sha256: verdict.digestFor(holding) };
  }

  /** Every live holder of a file, the least loaded first: for a client that uses several at once. */
  holders(name: string): Located[] {
    this.#context.telemetry.count('lookups');
    const holdings = this.registry.files.get(name)?.holdings ?? [];
    const verdict = judgeDigests(holdings);
    return holdings
      .filter(({ server }) => server.status === 'alive')
      .sort((a, b) => a.server.load - b.server.load)
      .map((holding) => ({ holding, sha256: verdict.digestFor(holding) }));
  }

  snapshot(): IndexSnapshot['servers'] {
    return [...this.registry.servers.values()].map((server) => ({
      serverId: server.serverId,
      host: server.host,
      tcpPort: server.tcpPort,
      udpPort: server.udpPort,
      files: server.files.size,
      load: server.load,
      status: server.status,
      since: server.since,
    }));
  }

  #remember(decision: Decision): void {
    const { telemetry } = this.#context;
    telemetry.count(decision.winner === null ? 'lookupsNotFound' : 'lookups');
    this.decisions.record(decision);
    this.onChange();
    if (!this.#lookupEvents.allow()) return;
    telemetry.event({
      type: 'lookup',
      subject: decision.fileName,
      level: decision.winner === null ? 'warning' : 'info',
      text:
        decision.winner === null
          ? `No server for ${decision.fileName}: ${decision.reason}`
          : `${decision.fileName} → ${decision.winner}: ${decision.reason}`,
    });
  }

  #tellDetours(file: FileRecord, { server: chosen }: Holding): void {
    for (const { server } of file.holdings) {
      if (server.status !== 'dead') continue;
      const count = this.#detours.count(server.serverId);
      if (count === undefined) continue;
      this.#context.telemetry.event({
        type: 'lookups-rerouted',
        subject: server.serverId,
        level: 'warning',
        text:
          count === 1
            ? `A lookup of ${file.name} went to ${chosen.serverId}, since ${server.serverId} is dead.`
            : `${count} lookups went to others, since ${server.serverId} is dead.`,
      });
    }
  }

  #now(): Moment {
    return { wall: this.#context.clock.wallTime(), steady: this.#context.clock.now() };
  }
}

function detoursInWords(count: number): string {
  if (count === 0) return '';
  return count === 1 ? '; a lookup had gone elsewhere' : `; ${count} lookups had gone elsewhere`;
}

function candidatesOf(
  file: FileRecord | undefined,
  avoided: readonly string[],
  { dissenters }: Verdict,
): Candidate[] {
  return (file?.holdings ?? []).map((holding) => ({
    serverId: holding.server.serverId,
    address: holding.server.address,
    load: holding.server.load,
    status: holding.server.status,
    avoided: avoided.length > 0 && avoided.includes(holding.server.serverId),
    dissents: dissenters.has(holding),
  }));
}
