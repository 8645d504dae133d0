/** A group that was selected without its question (by a notebook, a link, a command) gets it, so that every view follows. */
import type { Connector } from '../connector.ts';
import type { Datasets } from './data/datasets.ts';
import type { SelectionModel } from '../selection.ts';

export class GroupQuestion {
  readonly #connector: Pick<Connector, 'groups' | 'run'>;
  readonly #selection: SelectionModel;
  readonly #datasets: Datasets;
  readonly #stop: () => void;
  /** The group that was asked for last. */
  #wanted = '';

  constructor(connector: Pick<Connector, 'groups' | 'run'>, selection: SelectionModel, datasets: Datasets) {
    this.#connector = connector;
    this.#selection = selection;
    this.#datasets = datasets;
    this.#stop = selection.subscribe(() => this.#follow());
  }

  dispose(): void {
    this.#wanted = '';
    this.#stop();
  }

  #follow(): void {
    const { runs, step, group, item } = this.#selection.value;
    if (runs.length === 0 || step === null || group === null || item !== null) {
      this.#wanted = '';
      return;
    }
    const key = `${runs[0]}:${step}:${group}`;
    if (key === this.#wanted) return;
    this.#wanted = key;
    void this.#complete(key, runs[0], step, group);
  }

  async #complete(key: string, run: string, step: number, group: number): Promise<void> {
    try {
      const [
        {
          groups: [found],
        },
        { config },
      ] = await Promise.all([
        this.#connector.groups(run, { step, offset: group, limit: 1 }),
        this.#connector.run(run),
        this.#datasets.state.value.status === 'ready' ? undefined : this.#datasets.load(),
      ]);
      if (key !== this.#wanted || found?.group !== group) return;
      const dataset = this.#datasets.at(config.dataset_name)?.name ?? null;
      const { completion, token } = this.#selection.value;
      this.#selection.move({ dataset, item: found.item_id, group, completion, token });
    } catch {
      // the views that show the group say what is wrong
    }
  }
}
