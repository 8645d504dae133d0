import { expect, it, vi } from 'vitest';
import { CommandIDs } from '../tokens.ts';
import undo from './undo.ts';

const { told } = vi.hoisted(() => ({ told: [] as string[] }));
vi.mock('@jupyterlab/apputils', () => ({ Notification: { info: (text: string) => told.push(text) } }));
vi.mock('@jupyterlab/translation', () => ({
  ITranslator: {},
  nullTranslator: {
    load: () => ({ __: (text: string, ...values: string[]) => text.replace(/%(\d)/g, (_, at) => values[Number(at) - 1]) }),
  },
}));

it('what is named from right to left keeps its place in the sentence that says it was removed', () => {
  let offer = (_: object): void => {};
  const commands = { addCommand: (id: string, { execute }: { execute: typeof offer }) => id === CommandIDs.offerUndo && (offer = execute) };
  void undo.activate({ commands } as never, {} as never, null);
  offer({ id: 'run-1', name: 'אימון 3' });
  offer({ id: 'run-2', name: 'Demo' });
  expect(told).toEqual(['"\u2068אימון 3\u2069" was moved to the trash.', '"Demo" was moved to the trash.']);
});
