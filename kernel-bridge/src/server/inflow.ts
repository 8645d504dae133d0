/**
 * What a websocket's client sends, taken at a rate that the server can bear: it is read from the socket no faster than it is answered and no
 * faster than its allowance. What a client that sends more has waiting stands in the kernel's buffers and in its own, not here.
 */
export interface InflowLimits {
  /** Messages that may come at once after a quiet time, and messages a second for good. */
  burst: number;
  rate: number;
  /** A message counts once for each so many bytes that it has begun. */
  unit_bytes: number;
  /** Bytes waiting to be sent above which nothing more is taken from this client. */
  unread_bytes: number;
  /** How long messages are taken before others have their turn. */
  turn_ms: number;
}

interface Source {
  readonly bufferedAmount: number;
  readonly isPaused: boolean;
  pause(): void;
  resume(): void;
}

interface Waiting {
  take: () => void;
  cost: number;
}

export class Inflow {
  private readonly source: Source;
  private readonly limits: InflowLimits;
  private readonly came: () => void;
  private readonly now: () => number;
  private allowance: number;
  private counted: number;
  /** What had left the kernel before the socket was paused: a read's worth. */
  private waiting: Waiting[] = [];

  /** `came` is told when something waits: `drain` is to be called until it says that nothing does. */
  constructor(source: Source, limits: InflowLimits, came: () => void, now: () => number = () => performance.now()) {
    this.source = source;
    this.limits = limits;
    this.came = came;
    this.now = now;
    this.allowance = limits.burst;
    this.counted = now();
  }

  /** A message of so many bytes, to be taken in this connection's turn once there is room for its answer. */
  arrived(bytes: number, take: () => void): void {
    this.waiting.push({ take, cost: Math.ceil(Math.max(1, bytes) / this.limits.unit_bytes) });
    if (this.waiting.length > 1) return;
    this.source.pause();
    this.came();
  }

  /** Takes what there is room and time for: `empty` when nothing waits any more, `more` when only the time was short. */
  drain(): 'empty' | 'more' | 'blocked' {
    const { rate, burst, unread_bytes, turn_ms } = this.limits;
    const begun = this.now();
    this.allowance = Math.min(burst, this.allowance + (rate * (begun - this.counted)) / 1000);
    this.counted = begun;
    let done = 0;
    const hasRoom = (): boolean => this.allowance > 0 && this.source.bufferedAmount <= unread_bytes;
    while (done < this.waiting.length && hasRoom() && (done === 0 || this.now() - begun < turn_ms)) {
      const { take, cost } = this.waiting[done++];
      this.allowance -= cost;
      take();
    }
    this.waiting.splice(0, done);
    if (this.waiting.length > 0) return hasRoom() ? 'more' : 'blocked';
    if (this.source.isPaused) this.source.resume();
    return 'empty';
  }
}
