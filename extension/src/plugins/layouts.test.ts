import { beforeEach, describe, expect, it, vi } from 'vitest';
import schema from '../../schema/layouts.json' with { type: 'json' };
import { CommandIDs } from '../tokens.ts';
import layouts from './layouts.ts';

vi.mock('@jupyterlab/application', () => ({ ILabShell: {} }));
vi.mock('@jupyterlab/apputils', () => ({ ICommandPalette: {} }));
vi.mock('@jupyterlab/settingregistry', () => ({ ISettingRegistry: {} }));
vi.mock('@jupyterlab/statedb', () => ({ IStateDB: {} }));
vi.mock('@jupyterlab/translation', () => ({ ITranslator: {}, nullTranslator: { load: () => ({ __: (text: string) => text }) } }));

const executed: string[] = [];
const state = new Map<string, unknown>();
/** A page whose restored layout has these widgets in its main area. */
async function start(main: string[]): Promise<void> {
  const shell = { widgets: () => main.map((id) => ({ id })) };
  const commands = { addCommand: () => {}, execute: (id: string) => Promise.resolve(void executed.push(id)) };
  const app = { restored: Promise.resolve(), shell, commands };
  const kept = {
    fetch: (key: string) => Promise.resolve(state.get(key)),
    save: (key: string, value: unknown) => Promise.resolve(state.set(key, value)),
  };
  await layouts.activate(app as never, {}, shell, null, null, kept, null);
  await vi.waitFor(() => expect(state.size).toBe(1));
  await new Promise((done) => setTimeout(done)); // the commands after what is kept
}

beforeEach(() => {
  executed.length = 0;
  state.clear();
  vi.stubGlobal('location', { href: 'http://127.0.0.1/lab' });
});

describe('a first start', () => {
  it('opens runs, curves, rollouts and the example notebook', async () => {
    await start(['launcher-1']);
    expect(new Set(executed)).toEqual(
      new Set([CommandIDs.showRuns, CommandIDs.openCurves, CommandIDs.openRollouts, CommandIDs.openExample]),
    );
  });

  it('leaves views that were opened before it where they are', async () => {
    await start(['medr1-rewards', 'medr1-pair']);
    expect(executed).toEqual([CommandIDs.showRuns]);
  });
});

it('the menu has every view', () => {
  const menu = JSON.stringify(schema['jupyter.lab.menus'].main);
  const missing = Object.values(CommandIDs).filter((id) => id.startsWith('medr1:open-') && !menu.includes(`"${id}"`));
  expect(missing).toEqual([]);
});
