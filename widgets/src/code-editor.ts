/** The seam to an editor of the host, for source texts: JupyterLab's in JupyterLab, a plain field elsewhere. */
export interface CodeEditor {
  setSource(source: string): void;
  /** Selects a line, counted from 1, brings it into view and takes the keyboard. */
  showLine(line: number): void;
  dispose(): void;
}

export interface CodeEditorOptions {
  /** Element of the page that the editor fills; part of it already. */
  host: HTMLElement;
  source: string;
  /** Name of the file: tells the language. */
  file: string;
  /** What the editor is of, for those who do not see it. */
  label: string;
  onChange: (source: string) => void;
}

export type CreateCodeEditor = (options: CodeEditorOptions) => CodeEditor;
