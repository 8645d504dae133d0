/** Notebooks of a lab: written before a page opens them, and read as they were saved. */
import type { Locator, Page } from 'playwright-core';
import { eventually, runCommand, type Lab } from './lab.ts';

interface Notebook {
  cells: { cell_type: string; source: string; outputs?: { data?: Record<string, unknown> }[] }[];
}

const token = (lab: Lab): string => new URL(lab.url).searchParams.get('token')!;

/** The address of a page of the lab's server, with its token. */
export const pageOf = (lab: Lab, path: string): string => `${lab.base}${path}?token=${token(lab)}`;

async function contents(lab: Lab, name: string, init: RequestInit = {}): Promise<{ content: Notebook }> {
  const answer = await fetch(`${lab.base}api/contents/${name}`, { ...init, headers: { Authorization: `token ${token(lab)}` } });
  if (!answer.ok) throw new Error(`${name}: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as { content: Notebook };
}

/** A notebook with these cells of Python, without outputs. */
export async function writeNotebook(lab: Lab, name: string, cells: readonly string[]): Promise<void> {
  const content = {
    nbformat: 4,
    nbformat_minor: 5,
    metadata: {
      kernelspec: { name: 'python3', display_name: 'Python 3 (ipykernel)', language: 'python' },
      language_info: { name: 'python' },
    },
    cells: cells.map((source, at) => ({ cell_type: 'code', id: `cell-${at}`, source, metadata: {}, outputs: [], execution_count: null })),
  };
  await contents(lab, name, { method: 'PUT', body: JSON.stringify({ type: 'notebook', format: 'json', content }) });
}

/** What the cells of a notebook show in its file: MIME type -> data, an object an output. */
export async function outputsOf(lab: Lab, name: string): Promise<Record<string, unknown>[]> {
  const { content } = await contents(lab, name);
  return content.cells.flatMap(({ outputs = [] }) => outputs.flatMap(({ data }) => (data ? [data] : [])));
}

/** Opens a notebook in JupyterLab (`lab/tree`) or in Notebook 7 (`notebooks`), and waits until its kernel is there. */
export async function openNotebook(page: Page, lab: Lab, name: string, where: 'lab/tree' | 'notebooks' = 'lab/tree'): Promise<void> {
  await page.goto(pageOf(lab, `${where}/${name}`));
  await kernelIsIdle(page);
}

interface Notebooks {
  shell: {
    currentWidget?: { sessionContext?: { session: { kernel: { status: string; connectionStatus: string } | null } | null } } | null;
  };
}

/**
 * As the session says it. The toolbar's indicator says "idle" before there is a kernel as well, and a cell that is run then lets JupyterLab
 * ask for a kernel in a dialog.
 */
export async function kernelIsIdle(page: Page): Promise<void> {
  await page.waitForFunction(() => {
    const { jupyterapp } = globalThis as unknown as { jupyterapp?: Notebooks };
    const kernel = jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel;
    return kernel?.status === 'idle' && kernel.connectionStatus === 'connected';
  });
}

/** Runs a cell as a reader does: into it, and Shift+Enter; again where the page was not ready for it and the cell was not even begun. */
export async function runCell(page: Page, at: number): Promise<void> {
  const prompt = cellAt(page, at).locator('.jp-InputPrompt').first();
  const before = await prompt.textContent();
  await eventually(
    async () => {
      await nothingLiesOver(page);
      await cellAt(page, at).locator('.cm-content').click();
      await page.keyboard.press('Shift+Enter');
      for (let look = 0; look < 20; look++) {
        if ((await prompt.textContent()) !== before) return true;
        await page.waitForTimeout(100);
      }
      return false;
    },
    (began) => began,
    `cell ${at} runs`,
  );
}

/** A dialog keeps every click from the notebook: its words are the reason, not the time-out of the click. */
async function nothingLiesOver(page: Page): Promise<void> {
  const dialogs = await page.locator('.jp-Dialog:visible').allInnerTexts();
  if (dialogs.length) throw new Error(`a dialog lies over the notebook: ${dialogs.join(' | ')}`);
}

/** Until a cell is done: its prompt has a number. */
export const cellIsDone = (page: Page, at: number): Promise<string> =>
  eventually(
    async () => (await cellAt(page, at).locator('.jp-InputPrompt').first().textContent()) ?? '',
    (text) => /\[\d+\]/.test(text),
    `cell ${at} is done`,
    300_000,
  );

export const cellAt = (page: Page, at: number): Locator => page.locator('.jp-NotebookPanel:visible .jp-Notebook .jp-CodeCell').nth(at);

/** The notebook of the page is in its file when this returns. */
export async function save(page: Page): Promise<void> {
  const saved = page.waitForResponse((answer) => answer.request().method() === 'PUT' && answer.url().includes('/api/contents/'));
  await page.keyboard.press('Control+s');
  await saved;
}

async function kernels(lab: Lab, path = '', method = 'GET'): Promise<{ id: string }[]> {
  const answer = await fetch(`${lab.base}api/kernels${path}`, { method, headers: { Authorization: `token ${token(lab)}` } });
  if (!answer.ok) throw new Error(`kernels${path}: ${answer.status}`);
  return answer.status === 204 ? [] : ((await answer.json()) as { id: string }[]);
}

/** As a reader does by the menu. */
export async function restartKernel(page: Page): Promise<void> {
  const restarted = runCommand(page, 'kernelmenu:restart');
  await page.locator('.jp-Dialog .jp-mod-accept').click();
  await restarted;
  await kernelIsIdle(page);
}

export const shutDownKernels = async (lab: Lab): Promise<void> => {
  for (const { id } of await kernels(lab)) await kernels(lab, `/${id}`, 'DELETE');
};
