/** The seam to the host's files, for views that take some: JupyterLab's file dialog and contents. Where a host has none, paths are typed. */
import type { Subscription } from './connector.ts';

export interface HostFiles {
  /** Paths of the reward files that the user chose; none when the dialog was dismissed. */
  chooseRewards(): Promise<string[]>;
  /** Text of a file; rejects when it cannot be read. */
  read(path: string): Promise<string>;
  /** Tells the path of each file that is saved in the host. */
  onSaved(listener: (path: string) => void): Subscription;
}

/** Last part of a path. */
export const fileName = (path: string): string => path.split('/').at(-1)!;
