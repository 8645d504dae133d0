/** A group that was selected without its question (by a notebook, a link, a command) gets it, so that every view follows. */
import type { Connector, Group, TrainConfig } from '../connector.ts';
import { Latest } from '../load.ts';
import type { Datasets } from './data/datasets.ts';
import type { SelectionModel } from '../selection.ts';

export class GroupQuestion {
  readonly #connector: Pick<Connector, 'groups' | 'run'>;
  readonly #selection: SelectionModel;
  readonly #datasets: Datasets;
  readonly #stop: () => void;
  readonly #found = new Latest<[found: Group | undefined, config: TrainConfig]>();

  constructor(connector: Pick<Connector, 'groups' | 'run'>, selection: SelectionModel, datasets: Datasets) {
    this.#connector = connector;
    this.#selection = selection;
    this.#datasets = datasets;
    this.#stop = selection.subscribe(() => this.#follow());
  }

  dispose(): void {
    this.#found.clear();
    this.#stop();
  }

  #follow(): void {
    const { runs, step, group, item } = this.#selection.value;
    if (runs.length === 0 || step === null || group === null || item !== null) {
      this.#found.clear();
      return;
    }
    void this.#complete(runs[0], step, group);
  }

  /** Reads the group's question. A failure is left to the views that show the group: they say what is wrong. */
  async #complete(run: string, step: number, group: number): Promise<void> {
    const read = async (signal: AbortSignal): Promise<[Group | undefined, TrainConfig]> => {
      const [{ groups }, { config }] = await Promise.all([
        this.#connector.groups(run, { step, offset: group, limit: 1 }, signal),
        this.#connector.run(run, signal),
        this.#datasets.state.value.status === 'ready' ? undefined : this.#datasets.load(),
      ]);
      return [groups[0], config];
    };
    const came = await this.#found.askOnce(`${run}:${step}:${group}`, read);
    if (came?.status !== 'ready') return;
    const [found, config] = came.value;
    if (found?.group !== group) return;
    const dataset = this.#datasets.at(config.dataset_name)?.name ?? null;
    const { completion, token } = this.#selection.value;
    this.#selection.move({ dataset, item: found.item_id, group, completion, token });
  }
}
