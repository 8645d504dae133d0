/** The seam to an editor of the host, for source texts: JupyterLab's in JupyterLab, a plain field elsewhere. */
export interface CodeEditor {
  setSource(source: string): void;
  /** Marks lines; those that were marked before are so no longer. */
  setProblems(problems: readonly EditorProblem[]): void;
  /** Selects a line, counted from 1, brings it into view and takes the keyboard. */
  showLine(line: number): void;
  dispose(): void;
}

/** What is wrong with a line, counted from 1. */
export interface EditorProblem {
  line: number;
  message: string;
}

/** A source that is written is looked at so long after the last key. */
export const CHECK_DELAY_MS = 700;

/** A name that can stand where the cursor is. */
export interface Offer {
  label: string;
  kind: 'property' | 'variable' | 'text';
  /** Its type. */
  detail?: string;
  info?: string;
}

/** `from`: where the name begins that is being written. Null where nothing is offered. */
export type OffersAt = (source: string, at: number) => { from: number; offers: readonly Offer[] } | null;

export interface CodeEditorOptions {
  /** Element of the page that the editor fills; part of it already. */
  host: HTMLElement;
  source: string;
  /** Name of the file: tells the language. */
  file: string;
  /** What the editor is of, for those who do not see it. */
  label: string;
  /** Names that can stand at a place of the source, to complete what is being written. */
  offersAt: OffersAt;
  onChange: (source: string) => void;
}

export type CreateCodeEditor = (options: CodeEditorOptions) => CodeEditor;
