/** The plugin of a view of the main area: its command, its palette entry, its place in the restored layout. One of each kind is open at a time. */
import { ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette, MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator, type TranslationBundle } from '@jupyterlab/translation';
import type { LabIcon } from '@jupyterlab/ui-components';
import type { ReadonlyPartialJSONObject, Token } from '@lumino/coreutils';
import { IWorkbench, PALETTE_CATEGORY, TRANSLATION_DOMAIN } from './tokens.ts';
import { ElementView, type ElementViewOptions } from './view.ts';

type Place = NonNullable<Parameters<JupyterFrontEnd.IShell['add']>[2]>;

interface MainViewOptions extends Omit<ElementViewOptions, 'commands'> {
  app: JupyterFrontEnd;
  /** Last part of ids: "curves". */
  name: string;
  command: string;
  label: string;
  caption: string;
  icon: LabIcon;
  restorer: ILayoutRestorer | null;
  palette: ICommandPalette | null;
  /** Holds something that is not applied yet: the tab says so as that of an unsaved file does. */
  dirty?: Dirty;
}

export interface Dirty {
  changes: { subscribe(listener: () => void): () => void };
  now: () => boolean;
}

function registerMainView(options: MainViewOptions): void {
  const { app, name, command, label, caption, icon, restorer, palette, dirty, ...view } = options;
  const tracker = new WidgetTracker<MainAreaWidget<ElementView>>({ namespace: `medr1-${name}` });

  const create = (): MainAreaWidget<ElementView> => {
    const content = new ElementView({ ...view, commands: app.commands });
    const widget = new MainAreaWidget({ content });
    widget.id = `medr1-${name}`;
    widget.title.label = label;
    widget.title.caption = caption;
    widget.title.icon = icon;
    widget.title.closable = true;
    widget.toolbar.hide();
    if (dirty) {
      const mark = (): void => void (widget.title.className = dirty.now() ? 'jp-mod-dirty' : '');
      mark();
      widget.disposed.connect(dirty.changes.subscribe(mark));
    }
    void tracker.add(widget);
    return widget;
  };

  let restored = false;
  void app.restored.then(() => (restored = true));

  app.commands.addCommand(command, {
    label,
    caption,
    icon: ({ isPalette }) => (isPalette ? undefined : icon),
    describedBy: {
      args: {
        type: 'object',
        properties: {
          mode: { type: 'string', description: 'Where to put it relative to `ref`: tab-after, split-right, split-bottom, ...' },
          ref: { type: 'string', description: 'Id of the widget it is placed by' },
          activate: { type: 'boolean', description: 'Give it the focus (default true)' },
        },
      },
    },
    execute: (args: ReadonlyPartialJSONObject) => {
      const widget = tracker.currentWidget ?? create();
      const place: Place = {};
      if (typeof args.mode === 'string') place.mode = args.mode as Place['mode'];
      if (typeof args.ref === 'string') place.ref = args.ref;
      if (!widget.isAttached || place.mode) app.shell.add(widget, 'main', place);
      if (args.activate !== false) {
        app.shell.activateById(widget.id);
        // asked for while the layout is still being restored, it would be left behind the tab that was in front then
        if (!restored) void app.restored.then(() => app.shell.activateById(widget.id));
      }
      return widget;
    },
  });
  palette?.addItem({ command, category: PALETTE_CATEGORY });
  if (restorer) void restorer.restore(tracker, { command, name: () => name, args: () => ({ activate: false }) });
}

interface Lab {
  workbench: IWorkbench;
  trans: TranslationBundle;
  commands: JupyterFrontEnd['commands'];
}

interface SetUp {
  /** Properties of the element. */
  properties?: Record<string, unknown>;
  /** The view loads once this is done. */
  ready?: Promise<unknown> | null;
}

/** `Parts`: what the tokens of `optional` stand for, in their order. */
export interface MainViewPluginOptions<Parts extends unknown[]> extends Pick<
  MainViewOptions,
  'name' | 'command' | 'icon' | 'load' | 'tag'
> {
  description: string;
  text: (trans: TranslationBundle) => Pick<MainViewOptions, 'label' | 'caption'>;
  dirty?: (workbench: IWorkbench) => Dirty;
  /** Parts of JupyterLab that the view can do without. */
  optional?: [...{ [At in keyof Parts]: Token<Parts[At]> }];
  /** Done when the plugin is activated. A part of JupyterLab is null where it is not there. */
  setUp?: (lab: Lab, ...parts: { [At in keyof Parts]: Parts[At] | null }) => SetUp | void;
}

/** The plugin of a view that needs nothing but the workbench. */
export function mainViewPlugin<Parts extends unknown[] = []>({
  description,
  text,
  dirty,
  optional,
  setUp,
  load,
  ...view
}: MainViewPluginOptions<Parts>): JupyterFrontEndPlugin<void> {
  return {
    id: `@medr1/workbench:${view.name}`,
    description,
    autoStart: true,
    requires: [IWorkbench],
    optional: [ILayoutRestorer, ICommandPalette, ITranslator, ...(optional ?? [])],
    activate: (
      app: JupyterFrontEnd,
      workbench: IWorkbench,
      restorer: ILayoutRestorer | null,
      palette: ICommandPalette | null,
      translator: ITranslator | null,
      ...parts: { [At in keyof Parts]: Parts[At] | null }
    ): void => {
      const trans = (translator ?? nullTranslator).load(TRANSLATION_DOMAIN);
      const { properties, ready } = setUp?.({ workbench, trans, commands: app.commands }, ...parts) ?? {};
      registerMainView({
        app,
        workbench,
        restorer,
        palette,
        properties,
        dirty: dirty?.(workbench),
        load: () => Promise.all([load(), ready]),
        ...text(trans),
        ...view,
      });
    },
  };
}
