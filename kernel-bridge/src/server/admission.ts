/**
 * Lets requests in one after the other, while there is room for what they bring and for what is answered: a client that asks for much and reads
 * nothing has its answers in the server's memory. Between two requests the process does what else it has to do, and a request that takes long
 * lets those go first that do not. Where others wait for that room, a client that takes nothing of its answer, or sends nothing of its body, is
 * put out.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { collectNow } from './heap.ts';
import { untaken } from './pieces.ts';

export const ADMISSION = {
  /** Bytes of answers that were not taken yet, above which nobody is let in. */
  unread_bytes: 4 << 20,
  /** Bytes of long bodies that are read at a time; one alone may be longer. A body up to `short_bytes` does not count. */
  body_bytes: 4 << 20,
  short_bytes: 64 << 10,
  /** Bytes of long bodies after which the heap is collected: their texts and values lie there two or three times over, and V8 lets them lie. */
  collected_bytes: 1 << 20,
  /** How long a client may do nothing, seen twice in a row: while others wait for the room that it takes. */
  held_ms: 200,
  /** The same while none waits. */
  idle_ms: 30_000,
  /** Requests that a connection may send before their answers are read; neither browsers nor the relay send a second one. */
  piled: 8,
  retry_ms: 10,
  /** Every so many it is the turn of the one that has waited longest, whatever it takes. */
  oldest_every: 4,
  /** Addresses of which is kept what they took. */
  known: 500,
};

interface Visit {
  request: IncomingMessage;
  response: ServerResponse;
  socket: Socket;
  /** Of a body that counts. */
  bytes: number;
  /** The address without its parameters. */
  path: string;
}

type Answer = (request: IncomingMessage, response: ServerResponse) => unknown;

export class Admission {
  readonly #answer: Answer;
  readonly #limits: typeof ADMISSION;
  readonly #waiting = new Set<Visit>();
  /** Who was let in, by connection: one at a time of each. */
  readonly #inside = new Map<Socket, Visit>();
  /** Milliseconds for which the last request of an address kept the process from everything else. */
  readonly #took = new Map<string, number>();
  #bodies = 0;
  /** Bytes of bodies that were dealt with since the heap was collected. */
  #uncollected = 0;
  #count = 0;
  #looking = false;

  constructor(http: Server, answer: Answer, limits = ADMISSION) {
    this.#answer = answer;
    this.#limits = limits;
    http.on('request', (request, response) => this.#arrived(request, response));
  }

  #arrived(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    if (socket.destroyed) return; // what stood in the same packet as the request that ended it
    const length = Number(request.headers['content-length'] ?? 0);
    const [path] = request.url!.split('?');
    const visit = { request, response, socket, path, bytes: length > this.#limits.short_bytes ? length : 0 };
    this.#waiting.add(visit);
    response.once('close', () => this.#left(visit));
    if (this.#piledUp(socket) > this.#limits.piled) socket.destroy();
    else this.#look();
  }

  #piledUp(socket: Socket): number {
    return [...this.#waiting].filter((visit) => visit.socket === socket).length + (this.#inside.has(socket) ? 1 : 0);
  }

  #left(visit: Visit): void {
    this.#waiting.delete(visit);
    if (this.#inside.get(visit.socket) !== visit) return;
    this.#inside.delete(visit.socket);
    this.#bodies -= visit.bytes;
    this.#uncollected += visit.bytes;
    if (this.#uncollected >= this.#limits.collected_bytes) {
      collectNow();
      this.#uncollected = 0;
    }
    this.#look();
  }

  /** Once the process has done what came before. */
  #look(later?: number): void {
    if (this.#looking || this.#waiting.size === 0) return;
    this.#looking = true;
    const look = (): void => {
      this.#looking = false;
      if (this.#isFull) return this.#look(this.#limits.retry_ms);
      const next = this.#next();
      if (next === undefined) return; // until one of those inside leaves
      this.#enter(next);
      this.#look();
    };
    if (later === undefined) setImmediate(look);
    else setTimeout(look, later);
  }

  /** The one whose like took least, of several the first. */
  #next(): Visit | undefined {
    const oldest = this.#count++ % this.#limits.oldest_every === 0;
    let best: Visit | undefined;
    for (const visit of this.#waiting) {
      if (!this.#mayEnter(visit)) continue;
      if (oldest) return visit;
      if (best === undefined || this.#tookLast(visit) < this.#tookLast(best)) best = visit;
    }
    return best;
  }

  #tookLast({ path }: Visit): number {
    return this.#took.get(path) ?? 0;
  }

  #mayEnter({ socket, bytes }: Visit): boolean {
    return !this.#inside.has(socket) && (bytes === 0 || this.#bodies === 0 || this.#bodies + bytes <= this.#limits.body_bytes);
  }

  #enter(visit: Visit): void {
    const { request, response, socket, bytes, path } = visit;
    this.#waiting.delete(visit);
    this.#inside.set(socket, visit);
    this.#bodies += bytes;
    this.#watch(visit);
    const begun = performance.now();
    void this.#answer(request, response);
    setImmediate(() => this.#note(path, Math.round(performance.now() - begun)));
  }

  #note(path: string, took_ms: number): void {
    this.#took.delete(path);
    this.#took.set(path, took_ms);
    if (this.#took.size > this.#limits.known) this.#took.delete(this.#took.keys().next().value!);
  }

  get #isFull(): boolean {
    let unread = untaken.bytes;
    for (const socket of this.#inside.keys()) unread += socket.writableLength;
    return unread > this.#limits.unread_bytes;
  }

  get #longBodyWaits(): boolean {
    return [...this.#waiting].some(({ bytes }) => bytes > 0);
  }

  /** Node tells of a socket that nothing went through for a while; of a long answer also what the kernel takes of it counts. */
  #watch({ request, response, socket, bytes }: Visit): void {
    const { held_ms, idle_ms } = this.#limits;
    let idle = 0;
    let seen = performance.now();
    response.setTimeout(held_ms, () => {
      const now = performance.now();
      idle = now - seen < 2 * held_ms ? idle + held_ms : held_ms; // what came while this process itself was busy is read after this
      seen = now;
      const [takesNothing, sendsNothing] = [socket.writableLength > 0, bytes > 0 && !request.complete];
      const roomIsShort = untaken.isShort || (this.#isFull && this.#waiting.size > 0);
      const heldUp = (takesNothing && roomIsShort) || (sendsNothing && this.#longBodyWaits);
      if ((takesNothing || sendsNothing) && idle >= (heldUp ? 2 * held_ms : idle_ms)) socket.destroy();
      else socket.setTimeout(held_ms);
    });
  }
}
