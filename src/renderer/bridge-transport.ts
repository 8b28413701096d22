/** The transport over Electron's preload: answers come as values, because the context bridge strips errors. */
import type { StudioBridge } from '../contract/bridge';
import type { CallInput, CallName, CallOutput, StudioTransport } from '../contract/calls';
import { fromErrorShape } from '../contract/errors';

export function bridgeTransport(bridge: StudioBridge): StudioTransport {
  return {
    async call<N extends CallName>(name: N, input: CallInput<N>): Promise<CallOutput<N>> {
      const reply = await bridge.invoke(name, input);
      if ('error' in reply) throw fromErrorShape(reply.error);
      return reply.ok as CallOutput<N>;
    },
    subscribe: (onBatch) => bridge.subscribe(onBatch),
    // The main process is there as long as its window is.
    onConnection: (listener) => {
      listener('connected');
      return () => {};
    },
  };
}
