/** The questions that a run left out, in a file of its directory: a resumed run leaves them out at the same steps, whatever came back in between. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { appendDurably } from '../files/durable.ts';
import type { WorkbenchError } from '../protocol/errors.ts';
import type { LeftOutQuestion } from '../rl/left-out.ts';
import type { RunStore } from '../runs/store.ts';
import type { Room } from './room.ts';

export class LeftOutJournal {
  readonly #file: string;
  readonly #store: RunStore;
  readonly #room: Room;
  #unkept: LeftOutQuestion[] = [];
  #untold: WorkbenchError[] = [];

  constructor(store: RunStore, room: Room) {
    this.#file = join(store.directory, 'left-out.jsonl');
    this.#store = store;
    this.#room = room;
  }

  /** A line that a kill cut short is none: its step was not kept either. */
  read(): LeftOutQuestion[] {
    if (!existsSync(this.#file)) return [];
    return readFileSync(this.#file, 'utf8')
      .split('\n')
      .slice(0, -1)
      .flatMap((line) => {
        try {
          return [JSON.parse(line) as LeftOutQuestion];
        } catch {
          return [];
        }
      });
  }

  hear({ questions, alert }: { questions: LeftOutQuestion[]; alert: WorkbenchError }): void {
    this.#unkept.push(...questions);
    this.#untold.push(alert);
  }

  async keep(): Promise<void> {
    const text = this.#unkept.map((question) => `\n${JSON.stringify(question)}\n`).join('');
    if (text !== '') await this.#room.write(() => appendDurably(this.#file, text));
    this.#unkept = [];
  }

  async tell(): Promise<void> {
    for (const alert of this.#untold.splice(0)) await this.#room.write(() => this.#store.alert(alert.toJSON()));
  }
}
