import { homedir } from 'node:os';
import { join } from 'node:path';

/** A path as a person types it: a leading ~ is their home folder, as in a shell; nothing else is changed. */
export const expandHome = (path: string): string => (path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(1)) : path);
