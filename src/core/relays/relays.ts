/** Relays on links to programs that are not ours, so that such a link can be broken like any other. */
import { formatEndpoint } from '../../contract/endpoint';
import type { NodeSpec } from '../../contract/workspace';
import type { EventHub } from '../events/event-hub';
import { endpointOf } from '../supervisor/resolve-config';
import type { Supervisor } from '../supervisor/supervisor';
import type { OpenWorkspace } from '../workspace/open-workspace';
import type { RelayLink } from './plan-relay';

export interface RelaysOptions {
  workspace(): OpenWorkspace;
  supervisor(): Pick<Supervisor, 'start' | 'restart' | 'spec' | 'viewIfKnown'>;
  hub: Pick<EventHub, 'notice'>;
}

/** The targets of a relay, and where it listens for each. */
const sides = [
  { target: 'tcpTarget', port: 'tcp', what: 'connections' },
  { target: 'udpTarget', port: 'udp', what: 'datagrams' },
] as const;

export class Relays {
  constructor(private readonly options: RelaysOptions) {}

  /**
   * Puts a relay on a link, as one step that undo takes back, and starts it. Where our node opens the link, it is
   * led over the relay and restarted; otherwise the person is told which address the program needs.
   * @throws StudioError of code 'UNKNOWN_NODE' or 'NO_RELAY'
   */
  async insert(link: RelayLink): Promise<string> {
    const { outside, node: id } = link;
    const supervisor = this.options.supervisor();
    const isUp = this.#isUp(id);
    const relayId = await this.options.workspace().insertRelay(link);
    const relay = supervisor.spec(relayId);
    const node = supervisor.spec(id);
    const address = formatEndpoint(outside);
    if (isUp) await supervisor.start([relayId]);
    if (relay.config.client) {
      this.options.hub.notice('info', `${relay.name} waits for ${address}`, this.instruction(relay));
    } else {
      if (isUp) await supervisor.restart([id]);
      const restarted = isUp ? `, and was restarted for it` : '';
      this.options.hub.notice('good', `${node.name} reaches ${address} over ${relay.name} now${restarted}.`);
    }
    return relayId;
  }

  /**
   * Takes a relay away: whoever was led over it goes straight on, restarted where it runs.
   * @throws StudioError of code 'UNKNOWN_NODE'
   */
  async remove(id: string): Promise<void> {
    const supervisor = this.options.supervisor();
    const relay = supervisor.spec(id);
    const before = this.options.workspace().document.nodes;
    await this.options.workspace().apply({ type: 'remove-nodes', ids: [id] });
    const { nodes } = this.options.workspace().document;
    const led = nodes.filter((node) => !before.includes(node) && this.#isUp(node.id)).map((node) => node.id);
    if (led.length > 0) await supervisor.restart(led);
    const { client } = relay.config;
    if (client) {
      const targets = this.#routes(relay).map(({ to }) => to);
      const text = `${String(client)} has to use ${targets.join(' and ')} again.`;
      this.options.hub.notice('info', `${relay.name} is gone`, text);
    }
  }

  /** 'Give it 127.0.0.1:9500 instead of 127.0.0.1:5050.' */
  instruction(relay: NodeSpec): string {
    const routes = this.#routes(relay);
    const parts = routes.map(({ from, to, what }) => {
      const forWhat = routes.length > 1 ? ` for ${what}` : '';
      return `${from} instead of ${to}${forWhat}`;
    });
    return `Give that program the address ${parts.join(', and ')}.`;
  }

  #routes(relay: NodeSpec): { from: string; to: string; what: string }[] {
    const supervisor = this.options.supervisor();
    return sides.flatMap(({ target, port, what }) => {
      const link = relay.config[target] as { node: string } | null;
      if (!link) return [];
      const node = supervisor.spec(link.node);
      const to = endpointOf(node, port, supervisor.viewIfKnown(node.id)?.ports ?? {});
      const from = endpointOf(relay, port, supervisor.viewIfKnown(relay.id)?.ports ?? {});
      return to && from ? [{ from: formatEndpoint(from), to: formatEndpoint(to), what }] : [];
    });
  }

  #isUp(id: string): boolean {
    const phase = this.options.supervisor().viewIfKnown(id)?.phase;
    return phase === 'running' || phase === 'starting';
  }
}
