// @vitest-environment jsdom
import { expect, it, vi } from 'vitest';
import { LogDrop } from './log-drop.ts';

vi.mock('@jupyterlab/coreutils', () => ({ PageConfig: { getOption: () => '/srv/notebooks/' } }));
vi.mock('@jupyterlab/filebrowser', () => ({ FileDialog: {} }));

function panel() {
  const node = document.createElement('div');
  const saved: [path: string, content: unknown][] = [];
  const contents = {
    localPath: (path: string) => path.replace(/^RTC:/, ''),
    save: (path: string, { type, content }: { type: string; content?: string }) =>
      Promise.resolve(saved.push([path, content ?? type])).then(() => ({ path })),
  };
  const taken: string[] = [];
  const refused: { message: string }[] = [];
  const take = (path: string) => Promise.resolve(taken.push(path));
  const shown = vi.fn();
  new LogDrop(node, {
    tab: '.tab',
    show: shown,
    contents: contents as never,
    take,
    refuse: (error) => refused.push(error as { message: string }),
  });
  const tell = (type: string, properties: object): Event => {
    const event = Object.assign(new Event(type, { bubbles: true, cancelable: true }), properties);
    node.dispatchEvent(event);
    return event;
  };
  return { node, shown, saved, taken, refused, tell, isMarked: () => node.classList.contains('medr1-mod-drop') };
}

const browsed = (...paths: string[]) => ({
  mimeData: { hasData: (type: string) => type === 'application/x-jupyter-icontents', getData: () => paths },
  proposedAction: 'move',
});
const files = (...names: string[]) => ({
  dataTransfer: {
    types: ['Files'],
    items: names.map((name) => ({ webkitGetAsEntry: () => ({ name, isDirectory: !name.includes('.') }) })),
    files: names.map((name) => ({ name, lastModified: 0, text: () => Promise.resolve(`{"of":"${name}"}`) })),
  },
});

it('takes what the file browser drags, by its path on the machine of the server, with a mark while it hovers', async () => {
  const { taken, tell, isMarked } = panel();
  expect(tell('lm-dragenter', browsed('a')).defaultPrevented).toBe(true);
  expect(isMarked()).toBe(true);
  expect(tell('lm-dragover', browsed('a'))).toMatchObject({ dropAction: 'move' });
  tell('lm-dragleave', browsed('a'));
  expect(isMarked()).toBe(false);
  tell('lm-dragover', browsed('a'));
  tell('lm-drop', browsed('out/checkpoint-3', 'RTC:state.json'));
  expect(isMarked()).toBe(false);
  await vi.waitFor(() => expect(taken).toEqual(['/srv/notebooks/out/checkpoint-3', '/srv/notebooks/state.json']));
});

it('a file of the reader is kept beside the notebooks, and what is no log is refused by name', async () => {
  const { taken, saved, refused, tell, isMarked } = panel();
  tell('dragover', files('trainer_state.json'));
  expect(isMarked()).toBe(true);
  tell('drop', files('scan.png', 'output', 'trainer_state.json'));
  await vi.waitFor(() => expect(taken).toHaveLength(1));
  const folder = 'imports/trainer_state 1970-01-01T00-00-00';
  expect(taken).toEqual([`/srv/notebooks/${folder}/trainer_state.json`]);
  expect(saved).toEqual([
    ['imports', 'directory'],
    [folder, 'directory'],
    [`${folder}/trainer_state.json`, '{"of":"trainer_state.json"}'],
  ]);
  expect(refused.map(({ message }) => message)).toEqual([
    'scan.png is no log of a training.',
    'output is a folder of your computer, which the server cannot read.',
  ]);
});

it('held over the tab of the panel, it shows the panel', () => {
  const { shown } = panel();
  const tab = Object.assign(document.createElement('div'), { className: 'tab' });
  document.body.append(tab);
  const enter = (properties: object): unknown => tab.dispatchEvent(Object.assign(new Event('lm-dragenter', { bubbles: true }), properties));
  enter({ mimeData: { hasData: () => false } });
  expect(shown).not.toHaveBeenCalled();
  enter(browsed('output'));
  expect(shown).toHaveBeenCalledOnce();
});

it('leaves other drags alone', () => {
  const { tell, isMarked } = panel();
  expect(tell('lm-dragenter', { mimeData: { hasData: () => false } }).defaultPrevented).toBe(false);
  expect(tell('dragover', { dataTransfer: { types: ['text/plain'] } }).defaultPrevented).toBe(false);
  expect(isMarked()).toBe(false);
});
