/** What a live cell has of the notebook that shows it: anywidget's interface and nothing else. JupyterLab, Notebook, VS Code, marimo and Colab offer it. */

export interface AnyModel {
  get(name: string): unknown;
  on(event: string, listener: (...given: any[]) => void): void; // eslint-disable-line @typescript-eslint/no-explicit-any
  off(event: string, listener?: (...given: any[]) => void): void; // eslint-disable-line @typescript-eslint/no-explicit-any
  send(content: unknown): void;
}

export interface RenderGiven {
  model: AnyModel;
  el: HTMLElement;
}

/** Bubbles out of a cell that draws, so that what stands in its place can make room (extension/src/live-output.ts). */
export const ALIVE = 'medr1-live';

/** How things stand, for the notebook's file: bubbles out of a cell when the kernel has a newer picture. */
export const LEFT = 'medr1-left';

/** What a kernel leaves in a notebook. */
export interface Left {
  svg: string;
  html: string;
  text: string;
}
