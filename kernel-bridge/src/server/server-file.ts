/** server.json in the home: where the server is and how to be let in; readable by the owner only. */
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface ServerFile {
  pid: number;
  protocol: number;
  version: string;
  socket?: string;
  port?: number;
  secret: string;
  started_at: number;
}

export const serverFile = (home: string): string => join(home, 'server.json');

export function writeServerFile(home: string, content: ServerFile): void {
  const temporary = `${serverFile(home)}.tmp`;
  rmSync(temporary, { force: true });
  writeFileSync(temporary, JSON.stringify(content), { mode: 0o600 });
  renameSync(temporary, serverFile(home));
}

export const removeServerFile = (home: string): void => rmSync(serverFile(home), { force: true });
