import { Token } from '@lumino/coreutils';
import { beforeEach, expect, it, vi } from 'vitest';
import { mainViewPlugin } from './main-view.ts';
import type { IWorkbench } from './tokens.ts';

interface Made {
  tag: string;
  properties?: Record<string, unknown>;
  load: () => Promise<unknown>;
}
const { made } = vi.hoisted(() => ({ made: [] as Made[] }));

vi.mock('@jupyterlab/application', () => ({ ILayoutRestorer: {} }));
vi.mock('@jupyterlab/apputils', () => ({
  ICommandPalette: {},
  MainAreaWidget: class {
    title = {};
    toolbar = { hide: () => {} };
    isAttached = false;
  },
  WidgetTracker: class {
    currentWidget: unknown = null;
    add(widget: unknown): void {
      this.currentWidget = widget;
    }
  },
}));
vi.mock('@jupyterlab/translation', () => ({ ITranslator: {}, nullTranslator: { load: () => ({ __: (text: string) => text }) } }));
vi.mock('./view.ts', () => ({
  ElementView: class {
    constructor(options: Made) {
      made.push(options);
    }
  },
}));

const workbench = { name: 'the workbench' } as unknown as IWorkbench;
const commands = new Map<string, { execute: (args: object) => unknown }>();
const app = {
  restored: Promise.resolve(),
  shell: { add: vi.fn(), activateById: vi.fn() },
  commands: { addCommand: (id: string, options: { execute: () => unknown }) => commands.set(id, options) },
};
const view = {
  name: 'made',
  description: 'A view.',
  command: 'medr1:open-made',
  text: (trans: { __: (text: string) => string }) => ({ label: trans.__('Made'), caption: trans.__('A view') }),
  icon: {} as never,
  tag: 'medr1-made',
};
beforeEach(() => {
  made.length = 0;
  commands.clear();
  app.shell.add.mockClear();
});

it('sets a view up with the parts of JupyterLab that are there, and loads it once that is done', async () => {
  const setUp = vi.fn(() => ({ properties: { model: 'its model' }, ready: Promise.resolve('what the workspace kept') }));
  const plugin = mainViewPlugin<[string, number]>({
    ...view,
    load: async () => 'code',
    optional: [new Token<string>('made:IState'), new Token<number>('made:INumber')],
    setUp,
  });
  expect(plugin.id).toBe('@medr1/workbench:made');
  await plugin.activate(app as never, workbench, null, null, null, 'a state', null);
  expect(setUp).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ workbench }), 'a state', null);

  expect(made).toEqual([]); // the element is made with its tab
  commands.get('medr1:open-made')!.execute({});
  expect(made).toMatchObject([{ tag: 'medr1-made', workbench, properties: { model: 'its model' } }]);
  expect(await made[0].load()).toEqual(['code', 'what the workspace kept']);
});

it('opens one of a kind, in the place that is asked for', async () => {
  const plugin = mainViewPlugin({ ...view, load: async () => 'code' });
  await plugin.activate(app as never, workbench, null, null, null);
  const { execute } = commands.get('medr1:open-made')!;
  const first = execute({ mode: 'split-right', ref: 'another' });
  expect(app.shell.add).toHaveBeenCalledExactlyOnceWith(first, 'main', { mode: 'split-right', ref: 'another' });
  expect(execute({ activate: false })).toBe(first);
  expect(made).toHaveLength(1);
});
