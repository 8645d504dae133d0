/** A Lumino widget around one element of @medr1/widgets: loads the element's code when the tab is made, and carries out what it asks. */
import type { CommandRegistry } from '@lumino/commands';
import { Widget } from '@lumino/widgets';
import type { HostCommand } from '@medr1/widgets/element';
import { isTyping } from '@medr1/widgets/keys';
import { CommandIDs, type IWorkbench } from './tokens.ts';

/** Every action that a view asks for is the command of that name; one that is not registered does not compile. */
const commandOf = (id: HostCommand['id']): (typeof CommandIDs)[keyof typeof CommandIDs] => `medr1:${id}`;

const HEARD = ['medr1-command', 'keydown'];

export interface ElementViewOptions {
  /** Defines the element. */
  load: () => Promise<unknown>;
  tag: string;
  workbench: IWorkbench;
  commands: CommandRegistry;
  /** Further properties of the element. */
  properties?: Record<string, unknown>;
  /** The element is made when the widget is first shown: a panel that stays closed costs nothing. */
  late?: boolean;
}

export class ElementView extends Widget {
  readonly #options: ElementViewOptions;
  #made = false;

  constructor(options: ElementViewOptions) {
    super();
    this.#options = options;
    this.addClass('medr1-View');
    if (!options.late) this.#make();
  }

  #make(): void {
    if (this.#made) return;
    this.#made = true;
    const { load, tag, workbench, properties } = this.#options;
    void load().then(
      () => {
        if (this.isDisposed) return;
        const element = Object.assign(document.createElement(tag), { workbench, ...properties });
        this.node.append(element);
        this.onActivateRequest();
      },
      (error: unknown) => (this.node.textContent = `This view could not be loaded (${String(error)}). Reload the page.`),
    );
  }

  handleEvent(event: Event): void {
    if (event.type === 'keydown') {
      if ((event as KeyboardEvent).key === '?' && !isTyping(event)) void this.#options.commands.execute(CommandIDs.showKeys);
      return;
    }
    const { id, args } = (event as CustomEvent<HostCommand>).detail;
    void this.#options.commands.execute(commandOf(id), args ?? {});
  }

  /** The tab has the keyboard: it goes on to the element, which knows what to do with it. What has it inside the element keeps it. */
  protected override onActivateRequest(): void {
    if (document.activeElement === this.node) (this.node.firstElementChild as HTMLElement | null)?.focus();
  }

  protected override onAfterShow(): void {
    this.#make();
  }

  protected override onAfterAttach(): void {
    if (this.isVisible) this.#make();
    for (const type of HEARD) this.node.addEventListener(type, this);
  }

  protected override onBeforeDetach(): void {
    for (const type of HEARD) this.node.removeEventListener(type, this);
  }
}
