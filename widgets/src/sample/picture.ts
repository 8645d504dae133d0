/** The image of a question through a window: one request at a time, and the newest wish next, however fast the pointer moves. */
import type { Connector, ErrorBody, ImagePicture } from '../connector.ts';
import { Latest } from '../load.ts';
import { Observable } from '../observable.ts';
import type { Window } from './window.ts';

export interface PictureState {
  status: 'idle' | 'loading' | 'ready' | 'error';
  path: string | null;
  /** Stays while the same image is fetched through another window. */
  picture: ImagePicture | null;
  error: ErrorBody | null;
  /** As wished; null = the file's own. */
  window: Window | null;
  /** The file's own; null for an image of eight bits. */
  own: Window | null;
}

/** The most that the backend gives: every pixel of all but huge files. */
const SIZE = 4096;

export class PictureModel {
  readonly state = new Observable<PictureState>({ status: 'idle', path: null, picture: null, error: null, window: null, own: null });
  readonly #connector: Connector;
  #dataset = '';
  readonly #picture = new Latest<ImagePicture>();
  #again = false;

  constructor(connector: Connector) {
    this.#connector = connector;
  }

  /** Another image, through its own window; the same one is left as it is. */
  show(dataset: string, path: string): void {
    if (dataset === this.#dataset && path === this.state.value.path && this.state.value.status !== 'error') return;
    this.#dataset = dataset;
    this.state.set({ status: 'loading', path, picture: null, error: null, window: null, own: null });
    this.#picture.stop();
    void this.#fetch();
  }

  hide(): void {
    this.#picture.stop();
    this.#dataset = '';
    this.state.set({ status: 'idle', path: null, picture: null, error: null, window: null, own: null });
  }

  /** Null: the file's own. */
  setWindow(window: Window | null): void {
    if (this.state.value.path === null) return;
    this.state.update((state) => ({ ...state, window }));
    void this.#fetch();
  }

  retry(): void {
    this.state.update((state) => ({ ...state, status: 'loading', error: null }));
    void this.#fetch();
  }

  async #fetch(): Promise<void> {
    this.#again = this.#picture.isPending;
    if (this.#again) return;
    const { path, window } = this.state.value;
    const dataset = this.#dataset;
    const came = await this.#picture.ask((signal) => this.#connector.data.picture(dataset, path!, { size: SIZE, ...window }, signal));
    if (came?.status === 'ready') {
      const own = window === null ? came.value.grey : this.state.value.own;
      this.state.update((state) => ({ ...state, status: 'ready', picture: came.value, own, error: null }));
    } else if (came) this.state.update((state) => ({ ...state, ...came, picture: null }));
    if (came && this.#again) void this.#fetch();
  }
}
