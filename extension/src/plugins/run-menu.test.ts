import { expect, it, vi } from 'vitest';
import type { RunSummary } from '@medr1/widgets/connector';
import { CommandIDs } from '../tokens.ts';
import runMenu from './run-menu.ts';

vi.mock('@jupyterlab/apputils', () => ({ ICommandPalette: {}, Notification: {}, Dialog: {}, InputDialog: {} }));
vi.mock('@lumino/widgets', () => ({ Menu: {} }));
vi.mock('@jupyterlab/translation', () => ({
  ITranslator: {},
  nullTranslator: {
    load: () => ({ __: (text: string, ...values: string[]) => text.replace(/%(\d)/g, (_, at) => values[Number(at) - 1]) }),
  },
}));

interface Args {
  action?: string;
  id?: string;
}
interface Registered {
  label: string | ((args: Args) => string);
  isEnabled?(args: Args): boolean;
}

it('a command that cannot act is greyed and says why; in the menu of a run it has its text alone', () => {
  const commands = new Map<string, Registered>();
  const listed: [string, Args][] = [];
  const summaries: Partial<RunSummary>[] = [];
  const chosen: string[] = [];
  const workbench = {
    runs: { get: (id: string) => summaries.find((run) => run.id === id) },
    selection: { value: { runs: chosen } },
  };
  const palette = { addItem: ({ command, args }: { command: string; args: Args }) => listed.push([command, args]) };
  const registry = { addCommand: (id: string, options: Registered) => commands.set(id, options) };
  void runMenu.activate({ commands: registry } as never, workbench as never, palette, null);
  const said = (id: string, args: Args): [string, boolean] => {
    const { label, isEnabled } = commands.get(id)!;
    return [typeof label === 'string' ? label : label(args), isEnabled!(args)];
  };
  for (const [id, args] of listed) expect(said(id, args)).toEqual([expect.stringMatching(/^Run: .+ \(no run is chosen\)$/), false]);
  expect(new Set(listed.map((one) => JSON.stringify(one))).size).toBe(listed.length); // each once

  summaries.push({ id: 'a', name: 'A', state: 'running', waits_since: null, annotations: { pinned: false, archived: false } as never });
  chosen.push('a');
  expect(said(CommandIDs.runAction, { action: 'pause' })).toEqual(['Run: Pause', true]);
  expect(said(CommandIDs.runAction, { action: 'resume' })).toEqual(['Run: Resume (the chosen run is running)', false]);
  expect(said(CommandIDs.runAction, { action: 'resume', id: 'a' })).toEqual(['Resume', false]);
  expect(said(CommandIDs.deleteRun, {})).toEqual(['Run: move to the trash … (the chosen run is running)', false]);
  expect(said(CommandIDs.renameRun, {})).toEqual(['Run: rename …', true]);
});
