/** How long deaths went unnoticed: the newest of them. */
import type { DetectionView } from './manifest';

const KEPT = 50;

export class Detections {
  readonly #newest: DetectionView[] = [];

  /** @param silentMs since the last heartbeat */
  declared(serverId: string, silentMs: number, wallTime: number): void {
    this.#newest.unshift({ serverId, lastHeartbeat: wallTime - silentMs, declaredAt: wallTime });
    this.#newest.length = Math.min(KEPT, this.#newest.length);
  }

  /** SERVER_DOWN was sent to somebody; the first one counts. */
  told(serverId: string, wallTime: number): void {
    const death = this.#newest.find((one) => one.serverId === serverId);
    if (death) death.toldAt ??= wallTime;
  }

  snapshot(): DetectionView[] {
    return this.#newest.map((death) => ({ ...death }));
  }
}
