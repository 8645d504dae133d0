/** Of the whole archive, in bytes. */
export const MOST_BYTES: number;
interface Installed {
  dependencies?: object;
  optionalDependencies?: object;
  peerDependencies?: object;
  peerDependenciesMeta?: object;
}
/** Folders, relative to the root, of the named npm packages and all that they need. */
export function packageFolders(installed: Record<string, Installed>, names: string[]): string[];
/** Writes the archive; gives its bytes. */
export function pack(file: string, options?: { quick?: boolean }): Promise<number>;
