/** The questions that a run left out, in a file of its directory: a resumed run leaves them out at the same steps, whatever came back in between. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { appendDurably } from '../files/durable.ts';
import type { WorkbenchError } from '../protocol/errors.ts';
import type { LeftOutQuestion } from '../rl/left-out.ts';
import type { RunStore } from '../runs/store.ts';
import type { PatientDisk } from './patient-disk.ts';

export class LeftOutJournal {
  readonly #file: string;
  readonly #store: RunStore;
  readonly #disk: PatientDisk;
  #unkept: LeftOutQuestion[] = [];
  #untold: WorkbenchError[] = [];

  constructor(store: RunStore, disk: PatientDisk) {
    this.#file = join(store.directory, 'left-out.jsonl');
    this.#store = store;
    this.#disk = disk;
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
    if (text !== '') await this.#disk.write(() => appendDurably(this.#file, text));
    this.#unkept = [];
  }

  async tell(): Promise<void> {
    for (const alert of this.#untold.splice(0)) await this.#disk.write(() => this.#store.alert(alert.toJSON()));
  }
}
