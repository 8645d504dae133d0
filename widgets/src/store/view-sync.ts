/**
 * Tells the backend what this page looks at, a moment after it changed, and follows what notebooks ask for.
 *
 *     page moves  -> wait -> PATCH /view {by: page}                    read by notebooks; other pages don't follow
 *     notebook    -> PATCH /view {by: notebook} -> topic view -> every page moves, and says so as above
 */
import type { MoveView } from '@medr1/kernel-bridge/protocol';
import type { Connector, Subscription } from '../connector.ts';
import type { DataModel } from './data/model.ts';
import type { SelectionModel } from '../selection.ts';

const WAIT_MS = 300;

export class ViewSync {
  readonly #connector: Pick<Connector, 'moveView' | 'subscribeView'>;
  readonly #selection: SelectionModel;
  readonly #data: DataModel;
  #subscription: Subscription | null = null;
  #stops: (() => void)[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** What the backend was told last. */
  #told = '';

  constructor(connector: Pick<Connector, 'moveView' | 'subscribeView'>, selection: SelectionModel, data: DataModel) {
    this.#connector = connector;
    this.#selection = selection;
    this.#data = data;
  }

  start(): void {
    if (this.#subscription) return;
    this.#subscription = this.#connector.subscribeView(
      (move) => this.#follow(move),
      () => this.#tellAnew(),
    );
    this.#stops = [this.#selection.subscribe(() => this.#changed()), this.#data.state.subscribe(() => this.#changed())];
    this.#changed();
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#subscription?.close();
    for (const stop of this.#stops) stop();
  }

  #follow({ by, selection, data }: MoveView): void {
    if (by !== 'notebook') return;
    if (data) this.#data.apply(data.query ?? this.#data.state.value.filter, data.dataset ?? this.#data.state.value.dataset);
    if (selection) this.#selection.move(selection);
  }

  /** A new backend knows nothing of this page. */
  #tellAnew(): void {
    this.#told = '';
    this.#changed();
  }

  #changed(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#tell(), WAIT_MS);
  }

  async #tell(): Promise<void> {
    const { dataset, filter } = this.#data.state.value;
    const shown = { selection: this.#selection.value, data: { dataset, query: filter, chosen: this.#data.chosen } };
    const told = JSON.stringify(shown);
    if (told === this.#told) return;
    this.#told = told;
    try {
      await this.#connector.moveView({ by: 'page', ...shown });
    } catch {
      if (this.#told === told) this.#told = ''; // told again with the next change, or when the backend is back
    }
  }
}
