/**
 * What stands in a cell that the kernel shows live (extension/medr1_workbench/cells/display.py): the picture that is in the notebook, until a live
 * view says that it draws. Without a kernel the picture stays, where ipywidgets' own output would say that there is no model.
 */
import type { IRenderMime, IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { Panel } from '@lumino/widgets';

export const LIVE_VIEW = 'application/vnd.medr1.live+json';
export const WIDGET_VIEW = 'application/vnd.jupyter.widget-view+json';
/** widgets/src/live/host.ts */
const ALIVE = 'medr1-live';
const LEFT = 'medr1-left';
const PICTURE = 'image/svg+xml';
/** Before ipywidgets' -10: of the forms of an output the one of the lowest rank is drawn. */
const RANK = -20;

/**
 * A notebook's outputs from here on; untrusted ones are shown by their HTML as always. `ready`: its session is there, and with it the factory by
 * which ipywidgets finds models; one that was made before it would wait for ever, for ipywidgets does not look for it in here.
 */
export function showLiveOutputs(registry: IRenderMimeRegistry, ready: Promise<void>): void {
  const settled = ready.then(() => new Promise<void>((resolve) => setTimeout(resolve))); // those who waited before have had their turn
  registry.addFactory({ safe: false, mimeTypes: [LIVE_VIEW], createRenderer: () => new LiveOutput(registry, settled) }, RANK);
}

/** How things stood, as the kernel says it. */
interface Left {
  svg: string;
  html: string;
  text: string;
}

declare global {
  interface HTMLElementEventMap {
    [LEFT]: CustomEvent<Left>;
  }
}

export class LiveOutput extends Panel implements IRenderMime.IRenderer {
  readonly #registry: IRenderMimeRegistry;
  readonly #ready: Promise<void>;
  readonly #still = document.createElement('img');
  readonly #words = document.createElement('pre');
  /** Of the model that is drawn now. */
  #model: string | null = null;
  #output: IRenderMime.IMimeModel | null = null;

  constructor(registry: IRenderMimeRegistry, ready: Promise<void>) {
    super();
    this.#registry = registry;
    this.#ready = ready;
    this.addClass('jp-medr1-LiveOutput');
    this.node.append(this.#still, this.#words);
    this.node.addEventListener(ALIVE, () => this.addClass('jp-mod-live'));
    this.node.addEventListener(LEFT, ({ detail }) => this.#keep(detail as Left));
  }

  /**
   * The kernel's newest picture into the notebook. By its messages it would come too, but only until the page is loaded anew: after that
   * JupyterLab knows no cell that they are for.
   */
  #keep({ svg, html, text }: Left): void {
    const data = this.#output?.data;
    if (data && data[PICTURE] !== svg) this.#output!.setData({ data: { ...data, [PICTURE]: svg, 'text/html': html, 'text/plain': text } });
  }

  /** Called anew when the picture is: a live view that is drawn already stays as it is. */
  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    this.#output = model;
    const picture = model.data[PICTURE];
    this.#still.src = typeof picture === 'string' ? `data:image/svg+xml;utf8,${encodeURIComponent(picture)}` : '';
    this.#still.alt = this.#words.textContent = String(model.data['text/plain'] ?? '');
    const { model_id: id } = model.data[LIVE_VIEW] as { model_id: string };
    if (id === this.#model || !this.#registry.getFactory(WIDGET_VIEW)) return;
    this.#model = id;
    for (const view of [...this.widgets]) view.dispose();
    this.removeClass('jp-mod-live');
    await this.#ready;
    if (this.isDisposed || this.#model !== id) return;
    const view = this.#registry.createRenderer(WIDGET_VIEW);
    this.addWidget(view);
    await view.renderModel(model);
  }
}
