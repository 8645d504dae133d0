/** What a live cell knows: built from the kernel's messages alone, each of which it can miss. No DOM here. */
import type { ErrorBody, RewardRevision, Checkpoint } from '../connector.ts';
import { Observable } from '../observable.ts';
import { marksOf, markOf, type Mark } from '../store/marks.ts';
import type { AnyModel } from './host.ts';
import type { Ask, Items, LiveSummary, Message, Part, ShownGroup } from './messages.ts';
import { Series } from './series.ts';

export interface LiveRun {
  id: string;
  summary: LiveSummary;
  rewards: RewardRevision[];
  checkpoints: Checkpoint[];
  series: Series;
  /** What happened, and does not follow from rewards and checkpoints. */
  events: Mark[];
  seen: Set<number>;
}

/** Rollouts of a question; `group` is null where there is none at that place. */
export interface Looked {
  step: number;
  at: number;
  steps: [number, number];
  group: ShownGroup | null;
}

export interface Picture {
  url: string | null;
  error?: string;
}

/** An act without an answer for so long is said to wait for the kernel. */
export const BUSY_MS = 1500;

export class LiveModel {
  /** Counts what came. */
  readonly changed = new Observable(0);
  /** Null until the kernel has told of it. */
  readonly runs = new Map<string, LiveRun>();
  readonly looked = new Map<string, Looked>();
  readonly pictures = new Map<string, Picture>();
  /** Questions of a data set; null until they come. */
  items: Items | null = null;
  /** The kernel does not reach the server. */
  trouble: ErrorBody | null = null;
  /** The kernel that made this cell has ended or was restarted: nobody hears what is asked for. */
  isLost = false;
  /** What went wrong with what was asked for last. */
  failure: ErrorBody | null = null;
  /** When the last message came; null before the first. */
  heard: number | null = null;
  readonly #model: AnyModel;
  readonly #page = `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`;
  readonly #waiting = new Map<number, number>();
  readonly #now: () => number;
  #number: number | null = null;
  #asked = 0;

  constructor(model: AnyModel, now: () => number = Date.now) {
    this.#model = model;
    this.#now = now;
  }

  /** Listens, and asks for everything. Returns what ends that. */
  open(): () => void {
    const hear = (message: Message): void => this.hear(message);
    this.#model.on('msg:custom', hear);
    this.#send({ type: 'ready', page: this.#page });
    return () => {
      this.#model.off('msg:custom', hear);
      this.#send({ type: 'gone', page: this.#page });
    };
  }

  /** Asks for something to look at; what comes is the answer. */
  look(ask: Ask): void {
    this.#send(ask);
  }

  /** Asks the kernel to do something: `isWaiting` until it says that it did, `failure` where it could not. */
  ask(ask: Ask): void {
    const id = ++this.#asked;
    this.#waiting.set(id, this.#now());
    this.failure = null;
    this.#send({ ...ask, id });
    this.#tell();
  }

  get isWaiting(): boolean {
    return this.#waiting.size > 0;
  }

  /** Something was asked a while ago and is not done: the kernel runs a cell. */
  get isBusy(): boolean {
    return [...this.#waiting.values()].some((since) => this.#now() - since >= BUSY_MS);
  }

  dismiss(): void {
    this.failure = null;
    this.#tell();
  }

  hear(message: Message): void {
    const missed = this.#number !== null && message.n !== this.#number + 1;
    this.#number = message.n;
    this.heard = this.#now();
    for (const part of message.parts) this.#take(part);
    if (missed) this.#send({ type: 'ready', page: this.#page });
    this.#tell();
  }

  marksOf(run: LiveRun): Mark[] {
    return [...marksOf(run), ...run.events].sort((a, b) => a.step - b.step);
  }

  #take(part: Part): void {
    switch (part.part) {
      case 'reset':
        this.runs.delete(part.run);
        return;
      case 'run': {
        const { run: id, summary, rewards, checkpoints } = part;
        const known = this.runs.get(id) ?? { series: new Series(), events: [], seen: new Set<number>() };
        this.runs.set(id, { ...known, id, summary, rewards, checkpoints });
        return;
      }
      case 'event': {
        const run = this.runs.get(part.run);
        if (!run || run.seen.has(part.event.seq)) return;
        run.seen.add(part.event.seq);
        run.events.push(...markOf(part.event));
        return;
      }
      case 'points':
        this.runs.get(part.run)?.series.add(part.step, part.metrics);
        return;
      case 'group':
        this.looked.set(part.run, part);
        return;
      case 'image':
        this.pictures.set(pictureKey(part.of, part.path), part);
        return;
      case 'items':
        this.items = part;
        return;
      case 'trouble':
        this.trouble = part.error;
        return;
      case 'done':
        this.#waiting.delete(part.id);
        if (part.error) this.failure = part.error;
    }
  }

  /** A host throws where the kernel that made the cell is gone. */
  #send(ask: Ask & { id?: number }): void {
    try {
      this.#model.send(ask);
      this.isLost = false;
    } catch {
      this.isLost = true;
      this.#waiting.clear();
    }
  }

  #tell(): void {
    this.changed.update((count) => count + 1);
  }
}

/** An image by the run or data set that it is of, and its path there. */
export const pictureKey = (of: string, path: string): string => `${of}\n${path}`;
